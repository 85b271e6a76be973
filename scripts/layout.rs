//! Prints `lib/core/layout.ts`, the JavaScript copy of the constants that the core owns.

use config13::page::{BLOCKS_PER_CHUNK, FIRST_LIVE_HANDLE, layout};
use config13::{bits, feature_table, record};

/// The words of a page: name, what it holds, and its offset in bytes.
const WORDS: [(&str, &str, usize); 10] = [
    ("WORD_HEADER", "Magic and record version.", layout::HEADER),
    (
        "WORD_REGISTRY_HASH",
        "Registry hash.",
        layout::REGISTRY_HASH,
    ),
    (
        "WORD_FEATURE_FLAGS",
        "Feature flags.",
        layout::FEATURE_FLAGS,
    ),
    (
        "WORD_TERMINAL",
        "Terminal mode, rows, cols and reserved byte.",
        layout::TERMINAL,
    ),
    (
        "WORD_GENERATION",
        "Counts applied changes.",
        layout::GENERATION,
    ),
    (
        "WORD_SLEEPERS",
        "1 while listeners wait for the next change; the process that notifies them resets it.",
        layout::SLEEPERS,
    ),
    (
        "WORD_NAME_COUNT",
        "How many names the table has, and from bit 16 on how often some were retired or revived.",
        layout::NAME_COUNT,
    ),
    (
        "WORD_REVISION",
        "Last persisted revision, low half; the high half follows.",
        layout::REVISION,
    ),
    (
        "WORD_PERSISTED_MARK",
        "A mark of the state that is in effect since the last persisted revision.",
        layout::PERSISTED_MARK,
    ),
    (
        "WORD_SEQUENCE",
        "Odd while a change of several words is applied. Pages of one block lack it.",
        layout::SEQUENCE,
    ),
];

fn main() {
    println!("// Generated from src/page/layout.rs by scripts/layout.rs. Do not edit.\n");
    for (name, what, offset) in WORDS {
        constant(
            name,
            &format!("Index in 32-bit words from the page's start. {what}"),
            offset / 4,
        );
    }
    constant(
        "STATE_WORD64",
        "Index in 64-bit words from the page's start: feature flags (low half) and terminal (high half).",
        layout::STATE / 8,
    );
    constant(
        "ROLLOUT_WORD16",
        "Index in 16-bit words from the page's start of the first feature's rollout, in basis points.",
        layout::ROLLOUTS / 2,
    );
    constant(
        "BLOCK_SIZE",
        "Bytes of a page's block, one for each bank. The record and the rollouts of a bank lie where those of the first do.",
        layout::BLOCK_SIZE,
    );
    constant(
        "BLOCKS_PER_CHUNK",
        "Blocks of one chunk of private pages.",
        BLOCKS_PER_CHUNK,
    );
    constant(
        "FIRST_LIVE_HANDLE",
        "Page handles from here on are live pages; smaller ones are private: chunk × blocks per chunk + first block.",
        FIRST_LIVE_HANDLE,
    );
    constant(
        "FULL_ROLLOUT",
        "Basis points of a feature rolled out to everyone.",
        layout::FULL_ROLLOUT.into(),
    );
    constant("RECORD_SIZE", "Bytes of a record.", record::RECORD_SIZE);
    constant(
        "RECORD_VERSION",
        "The record format.",
        record::RECORD_VERSION.into(),
    );
    constant(
        "MAX_TERMINAL_MODE",
        "The greatest terminal mode.",
        record::MAX_TERMINAL_MODE.into(),
    );
    constant("BANK_SIZE", "Features of a bank.", bits::BANK_SIZE);
    constant("MAX_BANKS", "Banks of a config at most.", bits::BANKS);
    constant(
        "MAX_FEATURES",
        "Features of one table at most.",
        feature_table::MAX_FEATURES,
    );
    for (name, what, rule) in [
        ("FEATURE_NAME", "a feature", feature_table::FEATURE_NAME),
        (
            "ENVIRONMENT_NAME",
            "an environment or a cluster",
            feature_table::ENVIRONMENT_NAME,
        ),
    ] {
        println!(
            "/** What may name {what}. */\nexport const {name} = /{}/;\n",
            rule.pattern()
        );
    }
    println!("/** The 13 bytes of the default record. */");
    println!(
        "export const DEFAULT_RECORD = {:?} as const;\n",
        record::Record::default().encode()
    );
    println!("/** The features of a new table when none are listed, from bit 0 up. */");
    println!(
        "export const DEFAULT_FEATURES = {:?} as const;",
        feature_table::DEFAULT_FEATURES
    );
}

fn constant(name: &str, what: &str, value: usize) {
    println!("/** {what} */\nexport const {name} = {value};\n");
}
