//! Where each field of a state page lies. `lib/core/layout.ts` is made from these constants by
//! `scripts/layout.rs`.
//!
//! The record starts at byte 3, so that each group of its fields is one naturally aligned word.

use crate::bits::{BANK_SIZE, BANKS};
use crate::feature_table::{MAX_FEATURES, MAX_NAME_LENGTH};

/// Bytes of the block that each bank has. The record, the magic before it and the rollouts lie in the same places in each.
pub const BLOCK_SIZE: usize = 128;

/// Bytes of a page with a block for every bank.
pub const FULL_PAGE_SIZE: usize = BANKS * BLOCK_SIZE;

/// Alignment of a state page: one cache line.
pub const PAGE_ALIGN: usize = 64;

/// First bytes of a block.
pub const MAGIC: [u8; 3] = *b"13B";

/// The page format that this crate reads and writes.
pub const PAGE_FORMAT: u32 = 1;

/// Basis points of a feature that is rolled out to everyone.
pub const FULL_ROLLOUT: u16 = 10_000;

/// Magic (3 bytes) and record version (1 byte), one u32.
pub const HEADER: usize = 0;
/// Registry hash, u32.
pub const REGISTRY_HASH: usize = 4;
/// Feature flags (low half) and terminal settings (high half): the u64 that makes a snapshot atomic.
pub const STATE: usize = 8;
/// Feature flags, u32.
pub const FEATURE_FLAGS: usize = STATE;
/// Terminal mode, rows, cols and reserved byte, u32.
pub const TERMINAL: usize = STATE + 4;
/// Counts applied changes, u32, wrapping.
pub const GENERATION: usize = 16;
/// 1 while listeners wait for the next change, else 0, u32. The process that notifies them resets it.
pub const SLEEPERS: usize = 20;
/// Format of the page, u32.
pub const FORMAT: usize = 24;
/// How many names the feature table has, and from bit 16 on how often names were retired or revived, u32. Readers look at the
/// table again when it changes.
pub const NAME_COUNT: usize = 28;
/// Last persisted revision, u64.
pub const REVISION: usize = 32;
/// Random identity of the page, u64, never 0.
pub const PAGE_ID: usize = 40;
/// Counts the doorbells that listeners have put up beside a live file, u32, wrapping. Writers list them again when it
/// changes.
pub const DOORBELLS: usize = 56;
/// A mark of the state that is in effect since the last persisted revision, u32; of no use while that is 0.
pub const PERSISTED_MARK: usize = 60;
/// Rollout of each feature of a bank in basis points, 32 × u16.
pub const ROLLOUTS: usize = 64;

/// Start of the words by which the revisions of a page are in order, see `order.rs`. They lie in the header of the second
/// block, so a page of one block has them elsewhere.
pub const ORDER: usize = BLOCK_SIZE + 16;
/// The word among them that is odd while a whole change is applied, u32.
pub const SEQUENCE: usize = ORDER + 24;
/// The epoch of the names of a page with a database, u32.
pub const EPOCH: usize = ORDER + 28;
/// Start of the journal, which holds the target of a change of several words. Only a live file has it.
pub const JOURNAL: usize = FULL_PAGE_SIZE;
/// Start of the name table, which only a live file has.
pub const NAMES: usize = 2 * JOURNAL;
/// Bytes of one name: its length, then its UTF-8 text.
pub const NAME_SIZE: usize = 1 + MAX_NAME_LENGTH;
/// Bytes of a live file.
pub const LIVE_SIZE: usize = NAMES + MAX_FEATURES * NAME_SIZE;

const _: () = {
    assert!(STATE.is_multiple_of(8) && REVISION.is_multiple_of(8));
    assert!(PAGE_ID.is_multiple_of(8));
    assert!(ROLLOUTS + BANK_SIZE * size_of::<u16>() == BLOCK_SIZE);
    assert!(BLOCK_SIZE.is_multiple_of(PAGE_ALIGN));
    assert!(LIVE_SIZE == 2048 + BANKS * 2048);
};
