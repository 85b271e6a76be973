// Generated from src/page/layout.rs by scripts/layout.rs. Do not edit.

/** Index in 32-bit words from the page's start. Magic and record version. */
export const WORD_HEADER = 0;

/** Index in 32-bit words from the page's start. Registry hash. */
export const WORD_REGISTRY_HASH = 1;

/** Index in 32-bit words from the page's start. Feature flags. */
export const WORD_FEATURE_FLAGS = 2;

/** Index in 32-bit words from the page's start. Terminal mode, rows, cols and reserved byte. */
export const WORD_TERMINAL = 3;

/** Index in 32-bit words from the page's start. Counts applied changes. */
export const WORD_GENERATION = 4;

/** Index in 32-bit words from the page's start. 1 while listeners wait for the next change; the process that notifies them resets it. */
export const WORD_SLEEPERS = 5;

/** Index in 32-bit words from the page's start. How many names the table has, and from bit 16 on how often some were retired or revived. */
export const WORD_NAME_COUNT = 7;

/** Index in 32-bit words from the page's start. Last persisted revision, low half; the high half follows. */
export const WORD_REVISION = 8;

/** Index in 32-bit words from the page's start. A mark of the state that is in effect since the last persisted revision. */
export const WORD_PERSISTED_MARK = 15;

/** Index in 32-bit words from the page's start. Odd while a change of several words is applied. Pages of one block lack it. */
export const WORD_SEQUENCE = 42;

/** Index in 64-bit words from the page's start: feature flags (low half) and terminal (high half). */
export const STATE_WORD64 = 1;

/** Index in 16-bit words from the page's start of the first feature's rollout, in basis points. */
export const ROLLOUT_WORD16 = 32;

/** Bytes of a page's block, one for each bank. The record and the rollouts of a bank lie where those of the first do. */
export const BLOCK_SIZE = 128;

/** Blocks of one chunk of private pages. */
export const BLOCKS_PER_CHUNK = 512;

/** Page handles from here on are live pages; smaller ones are private: chunk × blocks per chunk + first block. */
export const FIRST_LIVE_HANDLE = 2147483648;

/** Basis points of a feature rolled out to everyone. */
export const FULL_ROLLOUT = 10000;

/** Bytes of a record. */
export const RECORD_SIZE = 13;

/** The record format. */
export const RECORD_VERSION = 1;

/** The greatest terminal mode. */
export const MAX_TERMINAL_MODE = 3;

/** Features of a bank. */
export const BANK_SIZE = 32;

/** Banks of a config at most. */
export const MAX_BANKS = 8;

/** Features of one table at most. */
export const MAX_FEATURES = 256;

/** What may name a feature. */
export const FEATURE_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,62}$/;

/** What may name an environment or a cluster. */
export const ENVIRONMENT_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;

/** The 13 bytes of the default record. */
export const DEFAULT_RECORD = [1, 120, 86, 52, 18, 7, 0, 0, 0, 2, 24, 80, 0] as const;

/** The features of a new table when none are listed, from bit 0 up. */
export const DEFAULT_FEATURES = ["debug", "verbose", "metrics", "logging", "caching", "compression", "encryption", "validation", "beta_feature", "new_feature", "maintenance_mode"] as const;
