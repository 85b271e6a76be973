//! How snapshots of a page are in order, and how what spans several words of it changes as a whole, without a reader that
//! waits.
//!
//! # Tickets
//!
//! A snapshot reads the ticket, then the state, and takes the next ticket only if no other snapshot took it meanwhile. So
//! of two snapshots, the one with the higher ticket was read entirely after the other, however many flips there were.
//!
//! # Whole changes
//!
//! What spans several words is written to the journal first, by the holder of the journal lock:
//!
//! | step | |
//! |---|---|
//! | 1 | the journal holds the target |
//! | 2 | the sequence becomes odd |
//! | 3 | switches that go off, rollouts, switches that come on, the terminal, `contains` |
//! | 4 | the sequence becomes even |
//!
//! Whoever gets that lock of a page with an odd sequence does steps 3 and 4 again: the process that began was killed. A
//! snapshot in between takes what is being changed from the journal, and so never waits. It reads the sequence before and
//! after; while a change begins or ends in between, it reads again.
//!
//! # Orderings
//!
//! Everything is `SeqCst`. Step 2 may not move before step 1: a snapshot, or the next holder of the lock, would use an
//! old journal. Step 3 may not move before step 2 or after step 4, and a snapshot's reads may not move out from between its
//! two reads of the sequence: it would take a half-made change for a state. On arm64 all of these are `ldar`, `stlr` and
//! exclusive pairs, which the processor keeps in this order; nothing here relies on the stronger order of x86-64.
//!
//! The tests run the steps through loom, and with two of them swapped, which it has to notice.

/// The words of a page, so that loom's can stand in for real ones.
pub trait PageWords {
    /// What a snapshot reads.
    type Live;
    /// What a change sets.
    type Target;

    fn ticket(&self) -> u64;
    /// Takes the ticket after this one, unless another snapshot has.
    fn take_ticket_after(&self, ticket: u64) -> bool;
    fn sequence(&self) -> u32;
    fn advance_sequence(&self);
    fn read_live(&self) -> Self::Live;
    fn write_journal(&self, target: &Self::Target);
    fn read_journal(&self) -> Self::Target;
    /// The live words as they are after a change.
    fn put_on(target: &Self::Target, live: &mut Self::Live);
    /// Step 3, which may be done again.
    fn apply(&self, target: &Self::Target);
}

/// The last ticket that was taken before, and the state.
pub fn snapshot<W: PageWords>(words: &W) -> (u64, W::Live) {
    loop {
        let ticket = words.ticket();
        let sequence = words.sequence();
        let mut live = words.read_live();
        if is_odd(sequence) {
            W::put_on(&words.read_journal(), &mut live);
        }
        if words.sequence() == sequence {
            return (ticket, live);
        }
    }
}

/// A ticket of its own, and the state.
pub fn take_snapshot<W: PageWords>(words: &W) -> (u64, W::Live) {
    loop {
        let (ticket, live) = snapshot(words);
        if words.take_ticket_after(ticket) {
            return (ticket.wrapping_add(1), live);
        }
    }
}

/// Steps 1 and 2. The caller holds the journal lock, and has completed what was begun before.
pub fn begin<W: PageWords>(words: &W, target: &W::Target) {
    words.write_journal(target);
    words.advance_sequence();
}

/// Steps 3 and 4, if a change was begun. The caller holds the journal lock.
pub fn complete<W: PageWords>(words: &W) {
    if is_begun(words) {
        words.apply(&words.read_journal());
        words.advance_sequence();
    }
}

/// Whether a change was begun and not completed yet.
pub fn is_begun(words: &impl PageWords) -> bool {
    is_odd(words.sequence())
}

const fn is_odd(sequence: u32) -> bool {
    sequence % 2 == 1
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::SeqCst;

    use loom::sync::atomic::{AtomicU32, AtomicU64};
    use loom::sync::{Arc, Mutex};
    use loom::thread;

    use super::*;

    /// A page of two words that only whole changes set, both to the same, and one that is flipped by itself. Loom has no
    /// sequentially consistent loads and stores, so all are read-modify-writes, which it orders alike.
    #[derive(Default)]
    struct Model {
        ticket: AtomicU64,
        sequence: AtomicU32,
        live: [AtomicU32; 2],
        journal: [AtomicU32; 2],
        flips: AtomicU32,
        lock: Mutex<()>,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Seen {
        words: [u32; 2],
        flips: u32,
    }

    fn read(words: &[AtomicU32; 2]) -> [u32; 2] {
        let [first, second] = words;
        [first.fetch_add(0, SeqCst), second.fetch_add(0, SeqCst)]
    }

    impl PageWords for Model {
        type Live = Seen;
        type Target = [u32; 2];

        fn ticket(&self) -> u64 {
            self.ticket.fetch_add(0, SeqCst)
        }

        fn take_ticket_after(&self, ticket: u64) -> bool {
            let taken = self
                .ticket
                .compare_exchange(ticket, ticket + 1, SeqCst, SeqCst);
            taken.is_ok()
        }

        fn sequence(&self) -> u32 {
            self.sequence.fetch_add(0, SeqCst)
        }

        fn advance_sequence(&self) {
            self.sequence.fetch_add(1, SeqCst);
        }

        fn read_live(&self) -> Seen {
            Seen {
                words: read(&self.live),
                flips: self.flips.fetch_add(0, SeqCst),
            }
        }

        fn write_journal(&self, target: &[u32; 2]) {
            for (word, value) in self.journal.iter().zip(target) {
                word.swap(*value, SeqCst);
            }
        }

        fn read_journal(&self) -> [u32; 2] {
            read(&self.journal)
        }

        fn put_on(target: &[u32; 2], live: &mut Seen) {
            live.words = *target;
        }

        fn apply(&self, target: &[u32; 2]) {
            for (word, value) in self.live.iter().zip(target) {
                word.swap(*value, SeqCst);
            }
        }
    }

    fn check(model: impl Fn() + Sync + Send + 'static) {
        let mut builder = loom::model::Builder::new();
        // The usual bound: nearly every bug shows with fewer forced switches (loom's documentation).
        builder.preemption_bound = Some(3);
        builder.check(model);
    }

    /// One thread makes two whole changes, and another one takes snapshots.
    fn check_changes(
        begin: fn(&Model, &[u32; 2]),
        complete: fn(&Model),
        snapshot: fn(&Model) -> (u64, Seen),
    ) {
        check(move || {
            let page = Arc::new(Model::default());
            let changing = Arc::clone(&page);
            let changes = thread::spawn(move || {
                for value in 1..=2 {
                    let _exclusive = changing.lock.lock().unwrap();
                    begin(&changing, &[value; 2]);
                    complete(&changing);
                }
            });
            let [first, second] = [snapshot(&page), snapshot(&page)].map(|(_, seen)| {
                let [one, other] = seen.words;
                assert_eq!(one, other, "a change half-made");
                one
            });
            assert!(first <= second, "a snapshot that goes back");
            changes.join().unwrap();
            assert_eq!(snapshot(&page).1.words, [2, 2]);
        });
    }

    #[test]
    fn a_snapshot_sees_a_whole_change_or_none_of_it() {
        check_changes(begin, complete, snapshot);
    }

    #[test]
    #[should_panic(expected = "a change half-made")]
    fn a_snapshot_that_does_not_read_the_sequence_again_is_noticed() {
        check_changes(begin, complete, |page| {
            let ticket = page.ticket();
            let sequence = page.sequence();
            let mut live = page.read_live();
            if is_odd(sequence) {
                Model::put_on(&page.read_journal(), &mut live);
            }
            (ticket, live)
        });
    }

    #[test]
    #[should_panic(expected = "a ")]
    fn a_journal_that_is_written_after_the_sequence_is_noticed() {
        let late = |page: &Model, target: &[u32; 2]| {
            page.advance_sequence();
            page.write_journal(target);
        };
        check_changes(late, complete, snapshot);
    }

    #[test]
    #[should_panic(expected = "a change half-made")]
    fn a_change_that_is_applied_after_the_sequence_is_even_is_noticed() {
        let late = |page: &Model| {
            page.advance_sequence();
            page.apply(&page.read_journal());
        };
        check_changes(begin, late, snapshot);
    }

    /// A process is killed after each of the steps, and the next holder of the lock completes what it has begun, and makes
    /// a change of its own.
    #[test]
    fn a_killed_process_leaves_its_change_whole_or_not_begun() {
        for steps in 0..=5 {
            check(move || {
                let page = Arc::new(Model::default());
                let killed = Arc::clone(&page);
                let dying = thread::spawn(move || {
                    let _until_it_dies = killed.lock.lock().unwrap();
                    complete(&*killed);
                    let [journal, other] = &killed.journal;
                    let [live, _not_reached] = &killed.live;
                    let all: [&dyn Fn(); 5] = [
                        &|| {
                            journal.swap(1, SeqCst);
                        },
                        &|| {
                            other.swap(1, SeqCst);
                        },
                        &|| killed.advance_sequence(),
                        &|| {
                            live.swap(1, SeqCst);
                        },
                        &|| (),
                    ];
                    for step in all.iter().take(steps) {
                        step();
                    }
                });
                let next = Arc::clone(&page);
                let next = thread::spawn(move || {
                    let _exclusive = next.lock.lock().unwrap();
                    complete(&*next);
                    begin(&*next, &[2; 2]);
                    complete(&*next);
                });
                let [one, other] = snapshot(&*page).1.words;
                assert_eq!(one, other);
                dying.join().unwrap();
                next.join().unwrap();
                complete(&*page);
                let [one, other] = snapshot(&*page).1.words;
                assert_eq!(one, other);
            });
        }
    }

    /// Two threads take snapshots while a third flips.
    fn check_tickets(take: fn(&Model) -> (u64, Seen)) {
        check(move || {
            let page = Arc::new(Model::default());
            let [flipping, other] = [Arc::clone(&page), Arc::clone(&page)];
            let flips = thread::spawn(move || {
                for _ in 0..2 {
                    flipping.flips.fetch_add(1, SeqCst);
                }
            });
            let other = thread::spawn(move || take(&other));
            let mut taken = [take(&page), other.join().unwrap()];
            flips.join().unwrap();
            taken.sort_by_key(|(ticket, _)| *ticket);
            let [(first, before), (second, after)] = taken;
            assert_eq!([first, second], [1, 2]);
            assert!(before.flips <= after.flips, "the later one is older");
        });
    }

    #[test]
    fn the_higher_ticket_was_read_after_the_lower() {
        check_tickets(take_snapshot);
    }

    #[test]
    #[should_panic(expected = "the later one is older")]
    fn a_ticket_that_is_read_after_the_state_is_noticed() {
        check_tickets(|page| {
            loop {
                let (_, live) = snapshot(page);
                let ticket = page.ticket();
                if page.take_ticket_after(ticket) {
                    return (ticket + 1, live);
                }
            }
        });
    }
}
