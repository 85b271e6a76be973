//! The state page: 128 bytes of shared memory that hold the live state.
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
mod feature_table;
pub mod layout;
mod live;
mod live_path;
mod mapping;
pub mod offers;
mod persisted;

use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, AtomicU64};
use std::time::Duration;

pub use arena::{Arena, CHUNK_SIZE, Chunk, PAGES_PER_CHUNK};
pub use doorbells::{Doorbell, examine as examine_doorbells};
#[cfg(all(test, unix))]
pub(crate) use live::lock_as_another_process;
pub use live::{
    ExclusiveGuard, Initial, LiveFile, join as join_live, open as open_live,
    open_within as open_live_within,
};
pub(crate) use live::{LOCK_RETRY, LOCK_TIMEOUT};
pub(crate) use live_path::live_path;
pub use mapping::{cluster_path, examine as examine_live_file};
pub use persisted::Persisted;

use crate::error::Error;
use crate::feature_table::{FeatureTable, MAX_FEATURES};
use crate::record::{Problem, RECORD_VERSION, Record, Terminal};
use layout::{
    DOORBELLS, FORMAT, FULL_ROLLOUT, GENERATION, HEADER, MAGIC, NAME_COUNT, PAGE_FORMAT, PAGE_ID,
    PENDING, REGISTRY_HASH, REVISION, ROLLOUTS, STATE,
};

/// How a boundary may number pages: private ones by their place in an arena, live ones from here on.
pub const FIRST_LIVE_HANDLE: usize = 1 << 31;

/// Rollout of each feature in basis points, by bit.
pub type Rollouts = [u16; MAX_FEATURES];

/// How far a whole-state change takes the generation. Between the commit of its revision and its application, flips
/// go on, and a snapshot with some of them must not rank above that revision; this many do not fit in between.
pub(crate) const WHOLE_STATE_STEP: u32 = 1 << 24;

/// Every feature rolled out to everyone.
pub const FULL_ROLLOUTS: Rollouts = [FULL_ROLLOUT; MAX_FEATURES];

/// All that a revision keeps of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// The 13 bytes.
    pub record: Record,
    /// Rollout of each feature.
    pub rollouts: Rollouts,
}

impl State {
    /// The default record with these flags, rolled out to everyone.
    #[cfg(test)]
    pub(crate) fn with_flags(feature_flags: u32) -> Self {
        let record = Record {
            feature_flags,
            ..Record::default()
        };
        Self {
            record,
            rollouts: FULL_ROLLOUTS,
        }
    }

    /// Every field out of range, when the features in `known_flags` exist.
    #[must_use]
    pub fn problems(&self, known_flags: u32) -> Vec<Problem> {
        let rollouts = self.rollouts.iter().enumerate();
        let beyond = rollouts.filter(|(_, basis_points)| **basis_points > FULL_ROLLOUT);
        let mut problems = self.record.problems(known_flags);
        problems.extend(beyond.map(|(bit, &basis_points)| Problem::Rollout { bit, basis_points }));
        problems
    }

    /// Refuses a state with a field out of range, when the features in `known_flags` exist.
    pub fn expect_valid(&self, known_flags: u32) -> Result<(), Error> {
        let problems = self.problems(known_flags);
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
    /// The page's generation just before the state was read, so never later than the state.
    pub generation: u32,
}

/// A state page. Clones are the same page, and each keeps its memory alive.
#[derive(Clone, Debug)]
pub struct Page(Arc<PageMemory>);

#[derive(Debug)]
struct PageMemory {
    base: NonNull<u8>,
    /// Keeps the bytes at `base` allocated.
    owner: Owner,
    /// Whether other threads may use a private page.
    offered: AtomicBool,
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
            owner: Owner::Live(Box::new(file)),
            offered: AtomicBool::new(false),
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
    /// Start of the page's [`layout::PAGE_SIZE`] bytes, valid as long as this page or a clone of it.
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        self.0.base.as_ptr()
    }

    /// Fills a page that is not shared yet.
    fn initialize(&self, state: &State) -> Result<(), Error> {
        self.0.offered.store(false, SeqCst);
        self.u32(HEADER).store(0, SeqCst);
        self.u32(REGISTRY_HASH)
            .store(state.record.registry_hash, SeqCst);
        self.u64(STATE).store(state_word(&state.record), SeqCst);
        self.u32(GENERATION).store(0, SeqCst);
        self.u32(layout::SLEEPERS).store(0, SeqCst);
        self.u32(FORMAT).store(PAGE_FORMAT, SeqCst);
        self.u32(NAME_COUNT).store(0, SeqCst);
        self.u64(REVISION).store(0, SeqCst);
        self.u64(PAGE_ID).store(random_page_id()?, SeqCst);
        self.u64(PENDING).store(0, SeqCst);
        self.u32(DOORBELLS).store(0, SeqCst);
        self.u32(layout::PERSISTED_MARK).store(0, SeqCst);
        for (bit, rollout) in state.rollouts.iter().enumerate() {
            self.rollout(bit).store(*rollout, SeqCst);
        }
        // The header goes last: it says that all the rest is in place.
        let [m0, m1, m2] = MAGIC;
        let header = u32::from_le_bytes([m0, m1, m2, RECORD_VERSION]);
        self.u32(HEADER).store(header, SeqCst);
        Ok(())
    }

    /// Reads the whole state, with the generation from just before.
    ///
    /// Flags and terminal are one atomic read. Rollouts are read one by one, each valid by itself.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let generation = self.u32(GENERATION).load(SeqCst);
        let [_, _, _, version] = self.u32(HEADER).load(SeqCst).to_le_bytes();
        let word = self.u64(STATE).load(SeqCst);
        let record = Record {
            version,
            registry_hash: self.u32(REGISTRY_HASH).load(SeqCst),
            feature_flags: low_half(word),
            terminal: Terminal::from_word(high_half(word)),
        };
        let rollouts = std::array::from_fn(|bit| self.rollout(bit).load(SeqCst));
        Snapshot {
            state: State { record, rollouts },
            page_id: self.u64(PAGE_ID).load(SeqCst),
            generation,
        }
    }

    /// Sets the state to `target`, for the features in `known`; the others keep theirs. Version and registry hash
    /// stay. Flips that other threads make meanwhile are kept or overwritten, never torn.
    ///
    /// A feature turning off goes off before its rollout changes, and one turning on comes on after, so a reader
    /// that reads flags, rollout and flags again never pairs an old switch with a new rollout.
    ///
    /// `revision` marks the change as pending until it is complete.
    pub fn apply(&self, target: &State, known: u32, revision: u64) {
        let before = self.snapshot().state;
        self.u64(PENDING).store(revision, SeqCst);
        let turning_off = known & !target.record.feature_flags;
        self.u64(STATE).fetch_and(!u64::from(turning_off), SeqCst);
        for (bit, rollout) in target.rollouts.iter().enumerate() {
            if known >> bit & 1 == 1 {
                self.rollout(bit).store(*rollout, SeqCst);
            }
        }
        let mut current = self.u64(STATE).load(SeqCst);
        loop {
            let flags = low_half(current) & !known | target.record.feature_flags & known;
            let wanted = join(flags, target.record.terminal.to_word());
            match self
                .u64(STATE)
                .compare_exchange(current, wanted, SeqCst, SeqCst)
            {
                Ok(_) => break,
                Err(actual) => current = actual,
            }
        }
        self.u64(PENDING).store(0, SeqCst);
        if self.snapshot().state != before {
            self.count_change();
        }
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

    /// Whether a live page was set back: its own revisions have a higher generation, so an older copy of its file was
    /// written over it. Not while another process is about to apply such a revision.
    #[must_use]
    pub fn is_set_back_behind(&self, generation: u32) -> bool {
        self.is_behind(generation) && matches!(self.try_lock_behind(generation), Ok(Some(_)))
    }

    /// Brings a live page that was set back behind one of its revisions ahead of it, so that snapshots count again.
    /// Returns the generation of the next snapshot then.
    #[must_use]
    pub fn catch_up(&self, generation: u32) -> Option<u32> {
        let _exclusive = self.try_lock_behind(generation).ok()??;
        self.reach_generation(generation.wrapping_add(1));
        Some(self.u32(GENERATION).load(SeqCst))
    }

    /// The lock of a live page, if it is free and the page is behind.
    fn try_lock_behind(&self, generation: u32) -> Result<Option<ExclusiveGuard<'_>>, Error> {
        if !self.is_behind(generation) {
            return Ok(None);
        }
        // Others hold it from before they commit a revision that ranks ahead until they have applied it.
        let guard = match self.try_lock_exclusively() {
            Err(Error::LiveFileBusy { .. }) => None,
            guard => guard?,
        };
        Ok(guard.filter(|_| self.is_behind(generation) && self.pending() == 0))
    }

    fn is_behind(&self, generation: u32) -> bool {
        let current = self.u32(GENERATION).load(SeqCst);
        generation.wrapping_sub(current).cast_signed() > 0
    }

    /// The revision of a whole-state change that was begun and not completed, 0 for none.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.u64(PENDING).load(SeqCst)
    }

    /// Leaves the page as a process does that is killed in the middle of a whole-state change.
    #[cfg(test)]
    pub(crate) fn leave_pending(&self, revision: u64) {
        self.u64(PENDING).store(revision, SeqCst);
    }

    /// Gives up a whole-state change that was begun and cannot be completed.
    pub fn forget_pending(&self) {
        self.u64(PENDING).store(0, SeqCst);
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

    /// Whether the page has users besides its arena and this value.
    fn has_users_beside_this(&self) -> bool {
        let kept = match self.0.owner {
            Owner::Chunk(_) => 2,
            Owner::Live(_) => 1,
        };
        Arc::strong_count(&self.0) > kept
    }

    /// Whether other processes or threads may persist the page too, so that snapshots of it may reach a store in
    /// another order than they were taken.
    #[must_use]
    pub fn is_persisted_by_others(&self) -> bool {
        self.is_live() || self.0.offered.load(SeqCst)
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

    /// The generation that the revision of a whole-state change gets, which is applied after it is committed: above
    /// that of every snapshot that may still be taken before.
    #[must_use]
    pub fn reserve_generation(&self) -> u32 {
        self.u32(GENERATION)
            .load(SeqCst)
            .wrapping_add(WHOLE_STATE_STEP)
    }

    /// Brings the generation up to a reserved one, so that snapshots from here on rank above that revision.
    pub fn reach_generation(&self, reserved: u32) {
        let behind = |current: u32| {
            let ahead = reserved.wrapping_sub(current).cast_signed();
            (ahead > 0).then_some(reserved)
        };
        // An error means that the page is past that generation, which is as good.
        let _before = self.u32(GENERATION).fetch_update(SeqCst, SeqCst, behind);
    }

    /// The feature table that a live page carries; `None` for a private page.
    pub fn table(&self) -> Result<Option<FeatureTable>, Error> {
        let live = self.0.live_file();
        live.map(|_| feature_table::read(self)).transpose()
    }

    /// Keeps others from making a whole-state change until the guard goes. A private page needs no guard: only the
    /// thread of its store changes it as a whole.
    pub fn lock_exclusively(&self) -> Result<Option<ExclusiveGuard<'_>>, Error> {
        self.lock_within(LOCK_TIMEOUT)
    }

    /// As [`Self::lock_exclusively`], but fails with [`Error::LiveFileBusy`] at once when others have the lock.
    pub fn try_lock_exclusively(&self) -> Result<Option<ExclusiveGuard<'_>>, Error> {
        self.lock_within(Duration::ZERO)
    }

    fn lock_within(&self, wait: Duration) -> Result<Option<ExclusiveGuard<'_>>, Error> {
        let live = self.0.live_file();
        live.map(|live| live.lock_exclusively(wait)).transpose()
    }

    /// Appends the names that the table of a live page lacks, and returns the table.
    fn register(&self, names: &[String]) -> Result<FeatureTable, Error> {
        let known = feature_table::read(self)?;
        if names.iter().all(|name| known.bit(name).is_some()) {
            feature_table::announce(self, &known);
            return Ok(known);
        }
        let guard = self.lock_exclusively()?;
        let mut grown = feature_table::read(self)?;
        let first = grown.names().len();
        let added = grown.register(names.iter().map(String::as_str))?;
        for (bit, name) in (first..).zip(added) {
            feature_table::append(self, bit, name);
        }
        self.u32(REGISTRY_HASH).store(grown.hash(), SeqCst);
        feature_table::announce(self, &grown);
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
            Ok(())
        }
    }

    fn u32(&self, offset: usize) -> &AtomicU32 {
        debug_assert!(offset.is_multiple_of(4) && offset < ROLLOUTS);
        let field = self.0.base.as_ptr().wrapping_add(offset).cast();
        // SAFETY: `offset` is one of the aligned constants of `layout`, within the page's bytes, which live as long
        // as `self`; the page starts 64-aligned; Rust uses no other width for this field.
        unsafe { AtomicU32::from_ptr(field) }
    }

    fn u64(&self, offset: usize) -> &AtomicU64 {
        debug_assert!(offset.is_multiple_of(8) && offset < ROLLOUTS);
        let field = self.0.base.as_ptr().wrapping_add(offset).cast();
        // SAFETY: as in `u32`, with offsets that are multiples of 8.
        unsafe { AtomicU64::from_ptr(field) }
    }

    fn rollout(&self, bit: usize) -> &AtomicU16 {
        debug_assert!(bit < MAX_FEATURES);
        let offset = ROLLOUTS + bit * size_of::<u16>();
        let field = self.0.base.as_ptr().wrapping_add(offset).cast();
        // SAFETY: `bit` is below 32 at every caller, so the field lies in the page's last 64 bytes, 2-aligned.
        unsafe { AtomicU16::from_ptr(field) }
    }
}

fn state_word(record: &Record) -> u64 {
    join(record.feature_flags, record.terminal.to_word())
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
    use super::*;
    use crate::record::DEFAULT_TERMINAL;

    fn page(flags: u32) -> Page {
        let mut arena = Arena::default();
        let handle = arena.allocate(&state(flags, 24)).unwrap();
        arena.page(handle).unwrap().clone()
    }

    fn state(flags: u32, rows: u8) -> State {
        State {
            record: Record {
                feature_flags: flags,
                terminal: Terminal {
                    rows,
                    ..DEFAULT_TERMINAL
                },
                ..Record::default()
            },
            rollouts: FULL_ROLLOUTS,
        }
    }

    #[test]
    fn a_page_holds_the_record_at_byte_3() {
        let page = page(0b101);
        // SAFETY: the page's first 16 bytes, which no other thread sees.
        let bytes: [u8; 16] = unsafe { page.as_ptr().cast::<[u8; 16]>().read() };
        assert_eq!(bytes[..3], MAGIC);
        assert_eq!(bytes[3..], state(0b101, 24).record.encode());
    }

    #[test]
    fn applying_a_state_spares_features_it_does_not_know() {
        let page = page(0b1_0110);
        let before = page.snapshot();
        let mut target = state(0b0001, 50);
        target.rollouts[0] = 1_000;
        target.rollouts[4] = 77;
        page.apply(&target, 0b0111, 9);
        let after = page.snapshot();
        assert_eq!(after.state.record.feature_flags, 0b1_0001);
        assert_eq!(after.state.record.terminal.rows, 50);
        assert_eq!(after.state.rollouts[0], 1_000);
        assert_eq!(after.state.rollouts[4], FULL_ROLLOUT);
        assert_eq!(after.generation, before.generation + 1);
        assert_eq!(after.page_id, before.page_id);
    }

    #[test]
    fn applying_the_same_state_is_not_a_change() {
        let page = page(0b11);
        let before = page.snapshot();
        page.apply(&before.state, u32::MAX, 1);
        assert_eq!(page.snapshot(), before);
    }

    #[test]
    fn a_reserved_generation_ranks_between_the_snapshots_before_and_after() {
        let page = page(0);
        // Close to the end, so that it wraps.
        page.u32(GENERATION).store(u32::MAX - 5, SeqCst);
        let reserved = page.reserve_generation();
        for _flip in 0..100 {
            page.count_change();
        }
        let meanwhile = page.snapshot().generation;
        page.reach_generation(reserved);
        assert_eq!(page.snapshot().generation, reserved);
        assert!(reserved.wrapping_sub(meanwhile).cast_signed() > 0);
        page.count_change();
        page.reach_generation(reserved);
        assert_eq!(page.snapshot().generation, reserved.wrapping_add(1));
    }

    #[test]
    fn a_snapshot_never_mixes_flags_and_terminal_of_two_states() {
        const ROUNDS: u32 = 50_000;
        let page = page(0);
        page.apply(&state(1, 1), u32::MAX, 1);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    // Features stay on in both states, so no step between them turns one off.
                    let next = if round % 2 == 0 {
                        state(3, 2)
                    } else {
                        state(3, 3)
                    };
                    page.apply(&next, 0b10, 1);
                }
            });
            for _ in 0..ROUNDS {
                let record = page.snapshot().state.record;
                let seen = (record.feature_flags & 0b10, record.terminal.rows);
                assert!(matches!(seen, (0, 1) | (0b10, 2 | 3)), "{seen:?}");
            }
        });
    }
}
