//! What puts the revisions of a page in order, and its changes of several words.
//!
//! The steps are those of `whole_change.rs`; here are the words that they work on, in the page or beside one of one block, and
//! the journal, in a live file or beside a private page.
//!
//! # Locks
//!
//! The journal lock is held for one whole change, microseconds. The order lock, which whoever commits or brings the live
//! state up to the database holds across system calls on the disk, comes before it; [`Page::edit`] takes the journal lock
//! alone.

#![expect(
    unsafe_code,
    reason = "the words of a page are at fixed places in its memory"
)]

use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use super::layout::{JOURNAL, ORDER, SEQUENCE};
use super::whole_change::{self, PageWords};
use super::{
    Edits, LockGuard, Page, Parts, Snapshot, State, high_half, join, low_half, state_word,
};
use crate::bits::{BANKS, Bits};
use crate::error::Error;
use crate::feature_table::MAX_FEATURES;
use crate::record::Terminal;
use crate::sync::lock;

/// The words of a page.
#[derive(Debug, Default)]
#[repr(C)]
pub(super) struct Words {
    /// The ticket that the last snapshot took.
    ticket: AtomicU64,
    /// The last revision up to which the work of other pages is in the live state.
    contains: AtomicU64,
    /// Not 0 while a commit of this page may be on disk and not in the live state.
    mark: AtomicU64,
    /// Odd while a whole change is applied.
    sequence: AtomicU32,
    /// That of the names which the bits belong to, as long as the page is in use.
    epoch: AtomicU32,
}

/// The target of a whole change. That of a private page is in memory of the process, where nobody is killed half-way, so that it
/// is of use to snapshots only.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Journal {
    /// Of which features the switches, and the rollouts, are set.
    switches: [AtomicU32; BANKS],
    rolled_out: [AtomicU32; BANKS],
    /// [`AS_IT_IS`], or what the word of that name becomes.
    contains: AtomicU64,
    state: AtomicU64,
    /// Whether the terminal is set, 0 or 1.
    terminal: AtomicU32,
    /// The flags of the banks after the first.
    more_flags: [AtomicU32; BANKS - 1],
    rollouts: [AtomicU16; MAX_FEATURES],
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            switches: Default::default(),
            rolled_out: Default::default(),
            contains: AtomicU64::new(0),
            state: AtomicU64::new(0),
            terminal: AtomicU32::new(0),
            more_flags: Default::default(),
            rollouts: std::array::from_fn(|_| AtomicU16::new(0)),
        }
    }
}

fn store_all(words: &[AtomicU32], values: &[u32]) {
    for (word, value) in words.iter().zip(values) {
        word.store(*value, SeqCst);
    }
}

fn load_all(words: &[AtomicU32; BANKS]) -> Bits {
    let mut words = words.iter();
    Bits::of_banks(|_| words.next().map_or(0, |word| word.load(SeqCst)))
}

/// No revision: the change leaves what the page contains.
const AS_IT_IS: u64 = u64::MAX;

/// The words and the journal of a private page, and its journal lock.
#[derive(Debug, Default)]
pub(super) struct Order {
    words: Words,
    journal: Journal,
    changing: Mutex<()>,
}

/// How long the store waits for another's whole change, which takes microseconds, unless its process is stopped half-way. Then
/// the store goes on, and tries again later.
const WAIT: Duration = Duration::from_millis(50);

/// The same for a caller, to whom it is an error.
const WAIT_OF_CALLERS: Duration = Duration::from_millis(250);

/// While it lives, no other thread or process makes a whole change.
#[expect(dead_code, reason = "held to be dropped")]
enum JournalGuard<'page> {
    Private(MutexGuard<'page, ()>),
    Live(LockGuard<'page>),
}

const _: () = {
    assert!(ORDER.is_multiple_of(8) && JOURNAL.is_multiple_of(8));
    assert!(ORDER + size_of::<Words>() <= super::layout::BLOCK_SIZE + super::layout::ROLLOUTS);
    assert!(ORDER + std::mem::offset_of!(Words, sequence) == SEQUENCE);
    assert!(ORDER + std::mem::offset_of!(Words, epoch) == super::layout::EPOCH);
    assert!(JOURNAL + size_of::<Journal>() <= super::layout::NAMES);
};

impl Page {
    #[expect(
        clippy::cast_ptr_alignment,
        reason = "the page is aligned, and so are the places in it"
    )]
    fn words(&self) -> &Words {
        if self.banks().len() == 1 {
            return &self.private_order().words;
        }
        // SAFETY: a page of several blocks has more bytes than where the words end, and they live as long as `self`; `ORDER` is
        // 8-aligned, `Words` consists of atomics alone, for which any bytes are valid, and Rust uses no other width for them.
        unsafe { &*self.as_ptr().wrapping_add(ORDER).cast::<Words>() }
    }

    #[expect(
        clippy::cast_ptr_alignment,
        reason = "the page is aligned, and so are the places in it"
    )]
    fn journal(&self) -> &Journal {
        if !self.is_live() {
            return &self.private_order().journal;
        }
        // SAFETY: as in `words`, with the LIVE_SIZE bytes of a live page, `JOURNAL` and `Journal`.
        unsafe { &*self.as_ptr().wrapping_add(JOURNAL).cast::<Journal>() }
    }

    fn private_order(&self) -> &Order {
        self.0.order.get_or_init(Box::default)
    }

    fn lock_journal(&self, wait: Duration) -> Result<JournalGuard<'_>, Error> {
        Ok(match self.0.live_file() {
            Some(live) => JournalGuard::Live(live.lock_journal(wait)?),
            None => JournalGuard::Private(lock(&self.private_order().changing)),
        })
    }

    /// The epoch of the names that the page's bits belong to.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.words().epoch.load(SeqCst)
    }

    /// Sets it, for a page that is not shared yet.
    pub fn set_epoch(&self, epoch: u32) {
        self.words().epoch.store(epoch, SeqCst);
    }

    /// Sets the words of a page that is not shared yet.
    pub(super) fn initialize_order(&self, contains: u64) {
        if self.banks().len() == 1 && contains == 0 && self.0.order.get().is_none() {
            return;
        }
        let words = self.words();
        words.ticket.store(0, SeqCst);
        words.contains.store(contains, SeqCst);
        words.mark.store(0, SeqCst);
        words.sequence.store(0, SeqCst);
        words.epoch.store(0, SeqCst);
    }

    /// Reads the whole state, without waiting.
    ///
    /// Flags and terminal are one atomic read. Rollouts are read one by one, each valid by itself.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.to_snapshot(whole_change::snapshot(self))
    }

    /// As [`Page::snapshot`], with a ticket of its own. It has to be persisted, or a later one takes its place.
    #[must_use]
    pub fn take_snapshot(&self) -> Snapshot {
        self.to_snapshot(whole_change::take_snapshot(self))
    }

    fn to_snapshot(&self, (ticket, Live { state, contains }): (u64, Live)) -> Snapshot {
        Snapshot {
            state,
            page_id: self.id(),
            ticket,
            contains,
        }
    }

    /// The ticket that the last snapshot took.
    #[must_use]
    pub fn ticket(&self) -> u64 {
        self.words().ticket.load(SeqCst)
    }

    /// Goes on after a ticket that was written. The page is behind it only if it was set back.
    pub fn reach_ticket(&self, written: u64) {
        self.words().ticket.fetch_max(written, SeqCst);
    }

    /// Takes the next ticket for a snapshot that has none of its own, after one that was written.
    #[must_use]
    pub fn take_ticket_after(&self, written: u64) -> u64 {
        self.reach_ticket(written);
        self.words().ticket.fetch_add(1, SeqCst).wrapping_add(1)
    }

    /// The last revision up to which the work of other pages is in the live state; 0 for none.
    #[must_use]
    pub fn contains(&self) -> u64 {
        self.words().contains.load(SeqCst)
    }

    /// Says that all up to this revision is in the live state, which it is already. The caller holds the order lock.
    pub fn has_all_until(&self, revision: u64) {
        self.words().contains.fetch_max(revision, SeqCst);
    }

    /// Sets some units, or parts of them, to those of `target`, and `contains`, as one whole change. Flips that other
    /// threads make meanwhile are kept or overwritten, never torn. The caller holds the order lock.
    ///
    /// A feature turning off goes off before its rollout changes, and one turning on comes on after, so a reader that reads
    /// flags, rollout and flags again never pairs an old switch with a new rollout.
    ///
    /// Fails with [`Error::LiveFileBusy`], and changes nothing, while a process that makes a whole change is stopped.
    pub fn change(
        &self,
        target: &State,
        parts: impl Into<Parts>,
        contains: u64,
    ) -> Result<(), Error> {
        let _exclusive = self.lock_journal(WAIT)?;
        self.complete();
        self.make(&Target {
            state: *target,
            parts: parts.into(),
            contains,
        });
        Ok(())
    }

    /// Makes these changes as one whole change, and says whether the state was another one before. As
    /// [`change`](Self::change), without the order lock.
    pub fn edit(&self, edits: &Edits) -> Result<bool, Error> {
        let _exclusive = self.lock_journal(WAIT_OF_CALLERS)?;
        self.complete();
        let before = self.state();
        let target = edits.apply_to(before);
        if target == before {
            return Ok(false);
        }
        self.make(&Target {
            state: target,
            parts: edits.parts(),
            contains: AS_IT_IS,
        });
        Ok(true)
    }

    /// The caller holds the journal lock, and has completed what was begun.
    fn make(&self, target: &Target) {
        whole_change::begin(self, target);
        self.complete();
    }

    /// Leaves the page as a process does that is killed at the beginning of a whole change.
    #[cfg(test)]
    pub(crate) fn leave_change(&self, target: &State, parts: impl Into<Parts>, contains: u64) {
        let target = Target {
            state: *target,
            parts: parts.into(),
            contains,
        };
        whole_change::begin(self, &target);
    }

    /// Completes the whole change of a killed process, if there is one. Fails as [`change`](Self::change) does.
    pub fn complete_change(&self) -> Result<(), Error> {
        if whole_change::is_begun(self) {
            let _exclusive = self.lock_journal(WAIT)?;
            self.complete();
        }
        Ok(())
    }

    /// Completes a change that this process has begun, or a killed one. The caller holds the journal lock.
    fn complete(&self) {
        if !whole_change::is_begun(self) {
            return;
        }
        let before = self.state();
        whole_change::complete(self);
        if self.state() != before {
            self.count_change();
        }
    }

    fn set_live(&self, target: &State, parts: Parts) {
        let switches = parts.switches;
        let turning_off = switches & !target.flags;
        for (bank, flags) in self.banks().zip(turning_off.banks()) {
            self.state_word(bank).fetch_and(!u64::from(flags), SeqCst);
        }
        for (bit, rollout) in self.bits().zip(target.rollouts) {
            if parts.rollouts.has(bit) {
                self.rollout(bit).store(rollout, SeqCst);
            }
        }
        let wanted = switches.banks().into_iter().zip(target.flags.banks());
        // The first bank comes last, since it has the terminal.
        for (bank, (switches, flags)) in self.banks().zip(wanted).rev() {
            let word = self.state_word(bank);
            let mut current = word.load(SeqCst);
            loop {
                let flags = low_half(current) & !switches | flags & switches;
                let terminal = if bank == 0 && parts.terminal {
                    target.terminal.to_word()
                } else {
                    high_half(current)
                };
                match word.compare_exchange(current, join(flags, terminal), SeqCst, SeqCst) {
                    Ok(_) => break,
                    Err(actual) => current = actual,
                }
            }
        }
    }

    /// Notes that a commit of this page is about to be on disk. Whoever gets the order lock next, and finds this, has to
    /// bring the live state up to the database. The caller holds the lock.
    pub fn mark_commit(&self) {
        self.words().mark.store(1, SeqCst);
    }

    /// Takes the mark back: the live state has the commit, or it did not take place.
    pub fn clear_mark(&self) {
        self.words().mark.store(0, SeqCst);
    }

    /// Whether a process may have been killed between the disk and the page, or in a whole change.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        self.words().mark.load(SeqCst) != 0 || whole_change::is_begun(self)
    }
}

/// The live words, or what they become.
pub struct Live {
    state: State,
    contains: u64,
}

/// What the journal holds. Version and registry hash are not part of a whole change.
pub struct Target {
    state: State,
    parts: Parts,
    contains: u64,
}

impl PageWords for Page {
    type Live = Live;
    type Target = Target;

    fn ticket(&self) -> u64 {
        self.words().ticket.load(SeqCst)
    }

    fn take_ticket_after(&self, ticket: u64) -> bool {
        let next = ticket.wrapping_add(1);
        let word = &self.words().ticket;
        word.compare_exchange(ticket, next, SeqCst, SeqCst).is_ok()
    }

    fn sequence(&self) -> u32 {
        self.words().sequence.load(SeqCst)
    }

    fn advance_sequence(&self) {
        self.words().sequence.fetch_add(1, SeqCst);
    }

    fn read_live(&self) -> Live {
        // Before the state: what is live by then may be more than this says, but not less.
        let contains = self.words().contains.load(SeqCst);
        Live {
            state: self.state(),
            contains,
        }
    }

    fn write_journal(&self, target: &Target) {
        let journal = self.journal();
        store_all(&journal.switches, &target.parts.switches.banks());
        store_all(&journal.rolled_out, &target.parts.rollouts.banks());
        journal.terminal.store(target.parts.terminal.into(), SeqCst);
        journal.contains.store(target.contains, SeqCst);
        journal.state.store(state_word(&target.state), SeqCst);
        let [_, more @ ..] = target.state.flags.banks();
        store_all(&journal.more_flags, &more);
        for (kept, rollout) in journal.rollouts.iter().zip(target.state.rollouts) {
            kept.store(rollout, SeqCst);
        }
    }

    fn read_journal(&self) -> Target {
        let journal = self.journal();
        let word = journal.state.load(SeqCst);
        let mut state = State::EMPTY;
        let mut more = journal.more_flags.iter();
        state.flags = Bits::of_banks(|bank| match bank {
            0 => low_half(word),
            _ => more.next().map_or(0, |word| word.load(SeqCst)),
        });
        state.terminal = Terminal::from_word(high_half(word));
        for (rollout, kept) in state.rollouts.iter_mut().zip(&journal.rollouts) {
            *rollout = kept.load(SeqCst);
        }
        Target {
            state,
            parts: Parts {
                switches: load_all(&journal.switches),
                rollouts: load_all(&journal.rolled_out),
                terminal: journal.terminal.load(SeqCst) != 0,
            },
            contains: journal.contains.load(SeqCst),
        }
    }

    fn put_on(target: &Target, live: &mut Live) {
        live.state.set(target.parts, &target.state);
        if target.contains != AS_IT_IS {
            live.contains = target.contains;
        }
    }

    fn apply(&self, target: &Target) {
        self.set_live(&target.state, target.parts);
        if target.contains != AS_IT_IS {
            self.words().contains.store(target.contains, SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::{Arena, FULL_ROLLOUT, Units};
    use crate::record::DEFAULT_TERMINAL;

    fn page(flags: u32) -> Page {
        let mut arena = Arena::default();
        let handle = arena.allocate(&state(flags, 24), 0, true).unwrap();
        arena.page(handle).unwrap().clone()
    }

    fn state(flags: u32, rows: u8) -> State {
        let mut state = State::with_flags(flags);
        state.terminal = Terminal {
            rows,
            ..DEFAULT_TERMINAL
        };
        state
    }

    #[test]
    fn a_change_spares_units_that_it_does_not_name() {
        let page = page(0b1_0110);
        let before = page.generation().load(SeqCst);
        let mut target = state(0b0001, 50);
        target.rollouts[0] = 1_000;
        target.rollouts[4] = 77;
        page.change(
            &target,
            Units::with_terminal(Bits::of_first_bank(0b0111)),
            9,
        )
        .unwrap();
        let after = page.snapshot();
        assert_eq!(after.state.flags.first_bank(), 0b1_0001);
        assert_eq!(after.state.terminal.rows, 50);
        assert_eq!(after.state.rollouts[0], 1_000);
        assert_eq!(after.state.rollouts[4], FULL_ROLLOUT);
        assert_eq!(after.contains, 9);
        assert_eq!(page.generation().load(SeqCst), before + 1);
        page.change(&state(0, 1), Units::of_first_bank(0b1), 9)
            .unwrap();
        assert_eq!(page.snapshot().state.terminal.rows, 50);
    }

    #[test]
    fn an_edit_leaves_the_other_half_of_a_feature_and_what_the_page_contains() {
        let page = page(0b01);
        page.change(&state(0b01, 24), Units::NONE, 5).unwrap();
        let before = page.generation().load(SeqCst);
        let edits = Edits {
            on: Bits::of_first_bank(0b10),
            rollouts: vec![(0, 300), (1, 400)],
            ..Edits::default()
        };
        assert!(page.edit(&edits).unwrap());
        let after = page.snapshot();
        assert_eq!(after.state.flags.first_bank(), 0b11);
        assert_eq!(after.state.rollouts[..3], [300, 400, FULL_ROLLOUT]);
        assert_eq!(after.contains, 5);
        assert_eq!(page.generation().load(SeqCst), before + 1);
        assert!(!page.edit(&edits).unwrap());
        assert_eq!(page.generation().load(SeqCst), before + 1);

        // One that a killed process has begun leaves them too.
        let mut target = state(0, 24);
        target.rollouts[2] = 7;
        let parts = Parts {
            rollouts: Bits::of_first_bank(0b100),
            ..Parts::default()
        };
        page.leave_change(&target, parts, AS_IT_IS);
        assert_eq!(page.snapshot().contains, 5);
        page.complete_change().unwrap();
        let after = page.snapshot();
        assert_eq!(after.state.flags.first_bank(), 0b11);
        assert_eq!((after.state.rollouts[2], after.contains), (7, 5));
    }

    #[test]
    fn edits_of_several_threads_are_all_made() {
        const ROUNDS: u16 = 5_000;
        let page = page(0);
        std::thread::scope(|scope| {
            for bit in 0..3 {
                let page = &page;
                scope.spawn(move || {
                    for rollout in 1..=ROUNDS {
                        let edits = Edits {
                            on: Bits::of_first_bank(1 << bit),
                            rollouts: vec![(bit, rollout)],
                            ..Edits::default()
                        };
                        assert!(page.edit(&edits).unwrap());
                        assert_eq!(page.snapshot().state.rollouts[bit], rollout);
                    }
                });
            }
        });
        assert_eq!(page.snapshot().state.flags.first_bank(), 0b111);
    }

    #[test]
    fn a_change_to_the_same_is_not_counted() {
        let page = page(0b11);
        let before = page.generation().load(SeqCst);
        page.change(&page.snapshot().state, Units::ALL, 3).unwrap();
        assert_eq!(page.generation().load(SeqCst), before);
        assert_eq!(page.contains(), 3);
    }

    #[test]
    fn tickets_rise_with_every_snapshot_that_is_to_be_persisted() {
        let page = page(0);
        assert_eq!(page.take_snapshot().ticket, 1);
        assert_eq!(page.snapshot().ticket, 1);
        assert_eq!(page.take_snapshot().ticket, 2);
        assert_eq!(page.take_ticket_after(7), 8);
        assert_eq!(page.take_ticket_after(7), 9);
    }

    #[test]
    fn a_snapshot_of_a_half_made_change_takes_it_from_the_journal() {
        let page = page(0b01);
        let mut target = state(0b10, 60);
        target.rollouts[1] = 500;
        page.leave_change(&target, Units::with_terminal(Bits::of_first_bank(0b11)), 4);
        assert!(page.is_unfinished());
        let snapshot = page.snapshot();
        assert_eq!(snapshot.state.flags.first_bank(), 0b10);
        assert_eq!(snapshot.state.terminal.rows, 60);
        assert_eq!(snapshot.state.rollouts[1], 500);
        assert_eq!(snapshot.contains, 4);
        // The live words are still as before.
        assert_eq!(page.state().flags.first_bank(), 0b01);
        page.complete_change().unwrap();
        assert!(!page.is_unfinished());
        assert_eq!(page.snapshot(), snapshot);
        page.complete_change().unwrap();
        assert_eq!(page.snapshot(), snapshot);
    }

    #[test]
    fn a_snapshot_never_mixes_two_whole_changes() {
        const ROUNDS: u64 = 30_000;
        let page = page(0);
        // Flags, rollouts, terminal and `contains` all say which of the changes it was.
        let target = |round: u64| {
            let odd = round % 2 == 1;
            let mut target = state(if odd { 0xffff } else { 0 }, if odd { 9 } else { 8 });
            target.rollouts = [if odd { 1 } else { 2 }; MAX_FEATURES];
            target
        };
        page.change(&target(0), Units::ALL, 2).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    page.change(&target(round), Units::ALL, round + 2).unwrap();
                }
            });
            for _ in 0..ROUNDS {
                let Snapshot {
                    state, contains, ..
                } = page.snapshot();
                assert_eq!(state.differences(&target(contains)), Units::NONE);
            }
        });
    }
}
