//! The state page: 128 bytes of shared memory for each bank, which hold the live state.
//!
//! # Synchronization
//!
//! A page is read and written at the same time by Rust, by JavaScript through typed arrays, and, for a live file,
//! by other processes. Nothing here ever makes a Rust reference to those bytes other than to an atomic.
//!
//! # Orderings
//!
//! Everything is `SeqCst`, because its partner is JavaScript's `Atomics`, which knows no other order.
//!
//! # Widths
//!
//! Rust touches each field with one width only; flags and terminal are one `AtomicU64`. JavaScript uses 32-bit
//! atomics on the halves of that word. Mixing the two widths is outside Rust's memory model and rests on what
//! the supported processors guarantee: a naturally aligned access of either width is one indivisible access to
//! the same cache line (Intel SDM vol. 3A §10.1.1; Arm ARM B2.2, single-copy atomicity).

#![expect(
    unsafe_code,
    reason = "a page is memory shared with JavaScript and other processes, read and written through raw pointers"
)]

mod arena;
mod doorbells;
mod edits;
mod feature_table;
pub mod layout;
mod live;
mod live_path;
mod mapping;
pub mod offers;
mod order;
mod persisted;
mod units;
mod whole_change;

use std::ops::Range;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use arena::{Arena, BLOCKS_PER_CHUNK, CHUNK_SIZE, Chunk};
pub use doorbells::{Doorbell, examine as examine_doorbells};
pub use edits::Edits;
#[cfg(all(test, unix))]
pub(crate) use live::lock_as_another_process;
pub use live::{
    Initial, LiveFile, LockGuard, join as join_live, open as open_live,
    open_within as open_live_within,
};
pub(crate) use live::{LOCK_RETRY, LOCK_TIMEOUT};
pub(crate) use live_path::live_path;
pub use mapping::{cluster_path, examine as examine_live_file};
pub use persisted::Persisted;
pub use units::{Parts, Units};

use crate::bits::{BANK_SIZE, BANKS, Bits};
use crate::error::Error;
use crate::feature_table::{FeatureTable, MAX_FEATURES};
use crate::record::{Problem, RECORD_SIZE, RECORD_VERSION, Record, Terminal};
pub use layout::FULL_ROLLOUT;
use layout::{
    BLOCK_SIZE, DOORBELLS, FORMAT, GENERATION, HEADER, MAGIC, NAME_COUNT, PAGE_FORMAT, PAGE_ID,
    REGISTRY_HASH, REVISION, ROLLOUTS, STATE,
};

/// How a boundary may number pages: private ones by their place in an arena, live ones from here on.
pub const FIRST_LIVE_HANDLE: usize = 1 << 31;

/// Rollout of each feature in basis points, by bit.
pub type Rollouts = [u16; MAX_FEATURES];

/// Every feature rolled out to everyone.
pub const FULL_ROLLOUTS: Rollouts = [FULL_ROLLOUT; MAX_FEATURES];

/// All that a revision keeps of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Record format.
    pub version: u8,
    /// Describe the names of each bank at the time of writing; decide nothing.
    pub registry_hashes: [u32; BANKS],
    /// The features that are on.
    pub flags: Bits,
    /// Terminal settings.
    pub terminal: Terminal,
    /// Rollout of each feature.
    pub rollouts: Rollouts,
}

impl State {
    /// What an environment has before its first revision: nothing is on, and everything rolled out to everyone.
    pub const EMPTY: Self = Self::of_record(Record::EMPTY, FULL_ROLLOUTS);

    /// That of the first bank's record, and these rollouts. Nothing is on in the other banks.
    #[must_use]
    pub const fn of_record(record: Record, rollouts: Rollouts) -> Self {
        let mut registry_hashes = [0; BANKS];
        registry_hashes[0] = record.registry_hash;
        Self {
            version: record.version,
            registry_hashes,
            flags: Bits::of_first_bank(record.feature_flags),
            terminal: record.terminal,
            rollouts,
        }
    }

    /// The records of the banks.
    pub fn records(&self) -> impl Iterator<Item = Record> {
        let banks = self.registry_hashes.into_iter().zip(self.flags.banks());
        banks
            .enumerate()
            .map(|(bank, (registry_hash, feature_flags))| {
                if bank == 0 {
                    Record {
                        version: self.version,
                        registry_hash,
                        feature_flags,
                        terminal: self.terminal,
                    }
                } else {
                    Record::of_bank(bank, self.version, registry_hash, feature_flags)
                }
            })
    }

    /// The bytes of the records of the first banks.
    #[must_use]
    pub fn encode(&self, banks: usize) -> Vec<u8> {
        let records = self.records().take(banks);
        records.flat_map(|record| record.encode()).collect()
    }

    /// From the bytes of the records of one or more banks. Nothing is on in the others. `None` if they have the length of no
    /// such records; what they hold is not checked.
    #[must_use]
    pub fn decode(bytes: &[u8], rollouts: Rollouts) -> Option<Self> {
        let (records, []) = bytes.as_chunks::<RECORD_SIZE>() else {
            return None;
        };
        if records.len() > BANKS {
            return None;
        }
        let mut records = records
            .iter()
            .map_while(|record| Record::decode(record).ok());
        let mut state = Self::of_record(records.next()?, rollouts);
        let mut flags = state.flags.banks();
        let banks = state.registry_hashes.iter_mut().zip(&mut flags).skip(1);
        for ((hash, flags), record) in banks.zip(records) {
            (*hash, *flags) = (record.registry_hash, record.feature_flags);
        }
        state.flags = Bits::of_banks(|bank| flags.get(bank).copied().unwrap_or(0));
        Some(state)
    }

    /// The default record with these flags, rolled out to everyone.
    #[cfg(test)]
    pub(crate) fn with_flags(feature_flags: u32) -> Self {
        let record = Record {
            feature_flags,
            ..Record::default()
        };
        Self::of_record(record, FULL_ROLLOUTS)
    }

    /// Every field out of range, when these features exist.
    #[must_use]
    pub fn problems(&self, known: Bits) -> Vec<Problem> {
        let rollouts = self.rollouts.iter().enumerate();
        let beyond = rollouts.filter(|(_, basis_points)| **basis_points > FULL_ROLLOUT);
        let banks = self.records().zip(known.banks()).enumerate();
        let mut problems: Vec<Problem> = banks
            .flat_map(|(bank, (record, known))| {
                let is_first = bank == 0;
                let problems = record.problems(bank, known).into_iter();
                // One page has one version.
                problems.filter(move |problem| is_first || !matches!(problem, Problem::Version(_)))
            })
            .collect();
        problems.extend(beyond.map(|(bit, &basis_points)| Problem::Rollout { bit, basis_points }));
        problems
    }

    /// Refuses a state with a field out of range, when these features exist.
    pub fn expect_valid(&self, known: Bits) -> Result<(), Error> {
        let problems = self.problems(known);
        if problems.is_empty() {
            return Ok(());
        }
        let problems = problems.iter().map(ToString::to_string).collect();
        Err(Error::InvalidState { problems })
    }
}

/// A state, and when in the life of which page it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What was read.
    pub state: State,
    /// The page's random identity.
    pub page_id: u64,
    /// The ticket that it took, or the last one that was taken before: of two snapshots with tickets of their own, the
    /// higher one was read entirely after the other.
    pub ticket: u64,
    /// The last revision up to which the work of other pages is in the state; 0 for none.
    pub contains: u64,
}

/// A state page. Clones are the same page, and each keeps its memory alive.
#[derive(Clone, Debug)]
pub struct Page(Arc<PageMemory>);

#[derive(Debug)]
struct PageMemory {
    base: NonNull<u8>,
    /// The banks that it has blocks for.
    banks: usize,
    /// Keeps the bytes at `base` allocated.
    owner: Owner,
    /// That of a private page, once it is needed.
    order: OnceLock<Box<order::Order>>,
}

#[derive(Debug)]
enum Owner {
    Chunk(#[expect(dead_code, reason = "held for its memory")] Arc<Chunk>),
    /// Boxed, since thousands of private pages would take its size too.
    Live(Box<LiveFile>),
}

impl PageMemory {
    fn live(file: LiveFile) -> Self {
        Self {
            base: file.base(),
            banks: BANKS,
            owner: Owner::Live(Box::new(file)),
            order: OnceLock::new(),
        }
    }

    const fn live_file(&self) -> Option<&LiveFile> {
        match &self.owner {
            Owner::Chunk(_) => None,
            Owner::Live(file) => Some(file),
        }
    }
}

// SAFETY: `base` points into memory that `owner` keeps alive, and every access through it is atomic.
unsafe impl Send for PageMemory {}
// SAFETY: as for `Send`.
unsafe impl Sync for PageMemory {}

impl Page {
    /// Start of the page's bytes, of which there are [`Page::size`], valid as long as this page or a clone of it.
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        self.0.base.as_ptr()
    }

    /// How many bytes its blocks have.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.banks * BLOCK_SIZE
    }

    /// Fills a page that is not shared yet. `contains` is the revision that the state comes from.
    fn initialize(&self, state: &State, contains: u64) -> Result<(), Error> {
        self.u32(HEADER).store(0, SeqCst);
        let [m0, m1, m2] = MAGIC;
        let header = u32::from_le_bytes([m0, m1, m2, RECORD_VERSION]);
        for (bank, record) in self.banks().zip(state.records()) {
            let word = join(record.feature_flags, record.terminal.to_word());
            self.state_word(bank).store(word, SeqCst);
            if bank != 0 {
                self.word(bank, HEADER).store(header, SeqCst);
            }
        }
        self.set_registry_hashes(&state.registry_hashes);
        self.u32(GENERATION).store(0, SeqCst);
        self.u32(layout::SLEEPERS).store(0, SeqCst);
        self.u32(FORMAT).store(PAGE_FORMAT, SeqCst);
        self.u32(NAME_COUNT).store(0, SeqCst);
        self.u64(REVISION).store(0, SeqCst);
        self.u64(PAGE_ID).store(random_page_id()?, SeqCst);
        self.initialize_order(contains);
        self.u32(DOORBELLS).store(0, SeqCst);
        self.u32(layout::PERSISTED_MARK).store(0, SeqCst);
        for (bit, rollout) in self.bits().zip(state.rollouts) {
            self.rollout(bit).store(rollout, SeqCst);
        }
        // The header of the first block goes last: it says that all the rest is in place.
        self.u32(HEADER).store(header, SeqCst);
        Ok(())
    }

    /// The live words as they are, whatever is being changed.
    fn state(&self) -> State {
        let [_, _, _, version] = self.u32(HEADER).load(SeqCst).to_le_bytes();
        let (mut words, mut registry_hashes) = ([0; BANKS], [0; BANKS]);
        for ((word, hash), bank) in words.iter_mut().zip(&mut registry_hashes).zip(self.banks()) {
            *word = self.state_word(bank).load(SeqCst);
            *hash = self.word(bank, REGISTRY_HASH).load(SeqCst);
        }
        let mut rollouts = FULL_ROLLOUTS;
        for (rollout, bit) in rollouts.iter_mut().zip(self.bits()) {
            *rollout = self.rollout(bit).load(SeqCst);
        }
        State {
            version,
            registry_hashes,
            flags: Bits::of_banks(|bank| words.get(bank).copied().map_or(0, low_half)),
            terminal: Terminal::from_word(high_half(words[0])),
            rollouts,
        }
    }

    /// The banks that the page has blocks for: all, or the first alone.
    #[must_use]
    pub fn banks(&self) -> Range<usize> {
        0..self.0.banks
    }

    /// Says which names the banks have.
    pub(crate) fn set_registry_hashes(&self, hashes: &[u32; BANKS]) {
        for (bank, hash) in self.banks().zip(hashes) {
            self.word(bank, REGISTRY_HASH).store(*hash, SeqCst);
        }
    }

    /// The bits of its banks.
    fn bits(&self) -> Range<usize> {
        0..self.banks().len() * BANK_SIZE
    }

    /// The page's random identity.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.u64(PAGE_ID).load(SeqCst)
    }

    /// Remembers the identity of a live page when it is opened.
    fn note_own_id(&self) {
        if let Some(live) = self.0.live_file() {
            live.note_page_id(self.id());
        }
    }

    /// Whether a live file has the contents of another life of the configuration, which were written over those that
    /// this process has opened.
    #[must_use]
    pub fn is_another(&self) -> bool {
        let noted = self.0.live_file().and_then(LiveFile::noted_page_id);
        noted.is_some_and(|noted| noted != self.id())
    }

    /// Whether a page was set back: a snapshot of it with this ticket was persisted, so an older copy of its file was
    /// written over it.
    #[must_use]
    pub fn is_set_back_behind(&self, written: u64) -> bool {
        self.ticket() < written
    }

    /// The path of the live file, if another file or none is at that path now: a process that opens it does not share
    /// this page.
    #[must_use]
    pub fn lost_live_file(&self) -> Option<&Path> {
        self.0.live_file().and_then(LiveFile::lost_path)
    }

    /// Whether other processes may use the page too.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.0.live_file().is_some()
    }

    /// Whether the page has holders besides this value.
    #[must_use]
    pub fn is_shared_elsewhere(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// Whether the page has users besides this value, under this identity: an arena gives a page that it takes back to the
    /// next user. That of a live page may have been written over.
    #[must_use]
    pub fn is_in_use_as(&self, id: u64) -> bool {
        self.has_users_beside_this() && (self.is_live() || self.id() == id)
    }

    /// Says what names there are, and which of them are retired. The user of a private page then asks for them; a live page
    /// carries its own. The caller holds the order lock.
    pub fn announce_names(&self, table: &FeatureTable) {
        if !self.is_live() {
            feature_table::announce(self, table.names().len(), table.changes());
        } else if self.lacks_changes_of(table) {
            feature_table::hide_retired(self, table);
            let there = feature_table::read(self).map_or(0, |there| there.names().len());
            feature_table::announce(self, there, table.changes());
        }
    }

    /// Whether names were retired or revived in the table since the page's own was made.
    fn lacks_changes_of(&self, table: &FeatureTable) -> bool {
        table.changes() > self.u32(NAME_COUNT).load(SeqCst) >> 16
    }

    /// Whether the page has users besides its arena and this value.
    fn has_users_beside_this(&self) -> bool {
        let kept = match self.0.owner {
            Owner::Chunk(_) => 2,
            Owner::Live(_) => 1,
        };
        Arc::strong_count(&self.0) > kept
    }

    /// Whether both are the same page.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The word that counts applied changes.
    #[must_use]
    pub fn generation(&self) -> &AtomicU32 {
        self.u32(GENERATION)
    }

    /// The word that says whether listeners wait for a change.
    #[must_use]
    pub fn sleepers(&self) -> &AtomicU32 {
        self.u32(layout::SLEEPERS)
    }

    /// Notifies the listeners of other processes of a change at this time of [`clock::now`](crate::clock::now).
    /// Takes a bounded time, however many there are.
    pub fn ring(&self, changed_at: u64) {
        if let Some(live) = self.0.live_file() {
            let count = self.u32(DOORBELLS).load(SeqCst);
            live.doorbells().ring(count, changed_at);
        }
    }

    /// Why listeners of other processes cannot be notified of changes at the moment, if so.
    pub fn check_ringing(&self) -> Result<(), Error> {
        let Some(live) = self.0.live_file() else {
            return Ok(());
        };
        live.doorbells().problem(self.u32(DOORBELLS).load(SeqCst))
    }

    /// A doorbell by which other processes tell a listener of this one of changes. `None` for a private page, which
    /// they do not see.
    pub fn put_up_doorbell(&self) -> Result<Option<Doorbell>, Error> {
        let live = self.0.live_file();
        live.map(|live| live.doorbells().put_up(self)).transpose()
    }

    fn count_change(&self) {
        self.u32(GENERATION).fetch_add(1, SeqCst);
    }

    /// The feature table that a live page carries; `None` for a private page.
    pub fn table(&self) -> Result<Option<FeatureTable>, Error> {
        let live = self.0.live_file();
        live.map(|_| feature_table::read(self)).transpose()
    }

    /// Takes the order lock: until the guard goes, no other process adds names, commits, or brings the live state up to the
    /// database. Fails with [`Error::LiveFileBusy`] at once when one has it. A private page needs no guard: only the
    /// thread of its store does so.
    pub fn try_lock_order(&self) -> Result<Option<LockGuard<'_>>, Error> {
        self.lock_order(Duration::ZERO)
    }

    fn lock_order(&self, wait: Duration) -> Result<Option<LockGuard<'_>>, Error> {
        let live = self.0.live_file();
        live.map(|live| live.lock_order(wait)).transpose()
    }

    /// Appends the names that the table of a live page lacks, and returns the table. `starts` says what new ones start with,
    /// given the table and their bits.
    pub fn add_features(
        &self,
        names: &[String],
        starts: impl Fn(&FeatureTable, Bits) -> Edits,
    ) -> Result<FeatureTable, Error> {
        let mut known = feature_table::read(self)?;
        let added = known.register(names.iter().map(String::as_str))?;
        if added.is_empty() {
            feature_table::announce(self, known.names().len(), known.changes());
            return Ok(known);
        }
        let guard = self.lock_order(LOCK_TIMEOUT)?;
        let mut grown = feature_table::read(self)?;
        let first = grown.names().len();
        let added = grown.register(names.iter().map(String::as_str))?;
        let bits = (first..).take(added.len()).collect();
        let starts = starts(&grown, bits).apply_to(State::EMPTY);
        for (bit, name) in (first..).zip(added) {
            feature_table::append(self, bit, name, &starts);
        }
        self.set_registry_hashes(&grown.hashes());
        feature_table::announce(self, grown.names().len(), grown.changes());
        drop(guard);
        Ok(grown)
    }

    /// Makes the page invalid to every check until it is initialized again.
    fn invalidate(&self) {
        self.u32(HEADER).store(0, SeqCst);
    }

    /// Checks the header of a page that came from a file, and says what is wrong with it.
    fn check(&self) -> Result<(), String> {
        let header = self.u32(HEADER).load(SeqCst).to_le_bytes();
        let format = self.u32(FORMAT).load(SeqCst);
        if !header.starts_with(&MAGIC) {
            Err("it does not start with the mark of a live file".to_owned())
        } else if format != PAGE_FORMAT {
            Err(format!(
                "it has format {format}, but this version of 13byte-config knows {PAGE_FORMAT} only"
            ))
        } else if self.u64(PAGE_ID).load(SeqCst) == 0 {
            Err("it has no page id".to_owned())
        } else {
            self.banks()
                .skip(1)
                .try_for_each(|bank| self.check_block(bank))
        }
    }

    /// The same for the block of a further bank.
    fn check_block(&self, bank: usize) -> Result<(), String> {
        let header = self.word(bank, HEADER).load(SeqCst).to_le_bytes();
        let end = high_half(self.state_word(bank).load(SeqCst)).swap_bytes();
        if !header.starts_with(&MAGIC) {
            Err(format!(
                "bank {bank} does not start with the mark of a live file"
            ))
        } else if usize::try_from(end) == Ok(bank) {
            Ok(())
        } else {
            Err(format!("bank {bank} is marked as 0x{end:08x}"))
        }
    }

    fn u32(&self, offset: usize) -> &AtomicU32 {
        self.word(0, offset)
    }

    /// The field of a bank's block.
    fn word(&self, bank: usize, offset: usize) -> &AtomicU32 {
        debug_assert!(self.banks().contains(&bank));
        debug_assert!(offset.is_multiple_of(4) && offset < ROLLOUTS);
        let offset = bank * BLOCK_SIZE + offset;
        let field = self.0.base.as_ptr().wrapping_add(offset).cast();
        // SAFETY: `offset` is one of the aligned constants of `layout`, within a block of the page's bytes, which live as
        // long as `self`; the page starts 64-aligned; Rust uses no other width for this field.
        unsafe { AtomicU32::from_ptr(field) }
    }

    fn u64(&self, offset: usize) -> &AtomicU64 {
        debug_assert!(offset.is_multiple_of(8) && offset < ROLLOUTS);
        let field = self.0.base.as_ptr().wrapping_add(offset).cast();
        // SAFETY: as in `u32`, with offsets that are multiples of 8.
        unsafe { AtomicU64::from_ptr(field) }
    }

    /// The flags of a bank, in the low half. In the high one the first bank has the terminal, and the others have their number
    /// in the last byte.
    fn state_word(&self, bank: usize) -> &AtomicU64 {
        debug_assert!(self.banks().contains(&bank));
        let offset = bank * BLOCK_SIZE + STATE;
        let field = self.0.base.as_ptr().wrapping_add(offset).cast();
        // SAFETY: `bank` is one of the page's, so that its block is within the page's bytes; the rest as in `u64`.
        unsafe { AtomicU64::from_ptr(field) }
    }

    fn rollout(&self, bit: usize) -> &AtomicU16 {
        debug_assert!(self.bits().contains(&bit));
        let block = bit / BANK_SIZE * BLOCK_SIZE;
        let offset = block + ROLLOUTS + bit % BANK_SIZE * size_of::<u16>();
        let field = self.0.base.as_ptr().wrapping_add(offset).cast();
        // SAFETY: `bit` is in one of the page's banks, so the field lies in the last 64 bytes of its block, 2-aligned.
        unsafe { AtomicU16::from_ptr(field) }
    }
}

fn state_word(state: &State) -> u64 {
    join(state.flags.first_bank(), state.terminal.to_word())
}

fn join(flags: u32, terminal: u32) -> u64 {
    u64::from(terminal) << 32 | u64::from(flags)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is wanted"
)]
fn low_half(word: u64) -> u32 {
    word as u32
}

fn high_half(word: u64) -> u32 {
    (word >> 32) as u32
}

fn random_page_id() -> Result<u64, Error> {
    let random = getrandom::u64().map_err(|source| Error::Random { source })?;
    Ok(random.max(1))
}

#[cfg(test)]
mod tests {
    use super::layout::FULL_PAGE_SIZE;
    use super::*;

    #[test]
    fn a_page_holds_the_record_at_byte_3() {
        let state = State::with_flags(0b101);
        let mut arena = Arena::default();
        let handle = arena.allocate(&state, 0, false).unwrap();
        let page = arena.page(handle).unwrap();
        // SAFETY: the page's first 16 bytes, which no other thread sees.
        let bytes: [u8; 16] = unsafe { page.as_ptr().cast::<[u8; 16]>().read() };
        assert_eq!(bytes[..3], MAGIC);
        assert_eq!(bytes[3..], state.encode(1));
    }

    #[test]
    fn each_block_of_a_page_holds_the_record_of_its_bank() {
        let mut state = State::with_flags(0b101);
        state.flags = state.flags | [40, 255].into_iter().collect();
        state.registry_hashes = [1, 2, 3, 4, 5, 6, 7, 8];
        let mut arena = Arena::default();
        let handle = arena.allocate(&state, 0, true).unwrap();
        let page = arena.page(handle).unwrap();
        assert_eq!(page.size(), FULL_PAGE_SIZE);
        // SAFETY: the page's bytes, which no other thread sees.
        let bytes: [u8; FULL_PAGE_SIZE] =
            unsafe { page.as_ptr().cast::<[u8; FULL_PAGE_SIZE]>().read() };
        let records: Vec<u8> = bytes
            .chunks(BLOCK_SIZE)
            .flat_map(|block| block[3..16].to_vec())
            .collect();
        assert_eq!(records, state.encode(BANKS));
        assert_eq!(
            State::decode(&records, FULL_ROLLOUTS),
            Some(page.snapshot().state)
        );
        assert_eq!(state.problems(Bits::ALL), []);
        let first = state.problems(Bits::first(32));
        assert_eq!(first.len(), 2, "{first:?}");
    }

    #[test]
    fn records_have_the_length_of_one_to_eight() {
        let bytes = [0; 9 * RECORD_SIZE];
        for length in [0, 12, 14, 9 * RECORD_SIZE] {
            assert_eq!(State::decode(&bytes[..length], FULL_ROLLOUTS), None);
        }
    }
}
