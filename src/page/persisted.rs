//! What a page says of its last persisted state: the number of its revision, and a mark by which the live state can be
//! compared with it, without the database and by every process that shares the page.

use std::sync::atomic::Ordering::SeqCst;

use super::layout::{PERSISTED_MARK, REVISION};
use super::{FULL_ROLLOUT, Page, State, low_half};
use crate::bits::BANK_SIZE;

/// A revision, and the state that is in effect since it was written: its own one, nearly always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Persisted {
    /// Its number, above 0.
    pub revision: u64,
    /// The state that a restart would begin with.
    pub state: State,
}

impl Persisted {
    /// The body of `MurmurHash3` (x86, 32 bits) over the terminal, and over the flags and pairs of rollouts of the first bank,
    /// and of each further one after its number. Of these, such as are as at first are left out: nothing is on, and all is rolled
    /// out to everyone.
    /// `lib/inspection/persisted.ts` does the same.
    ///
    /// Every step is a bijection of the hash and of the word, so states that differ in one word only never have the
    /// same mark; others do by chance, one pair in 2^32. The number of the revision is the seed, so that a mark says
    /// nothing beside the number of another one.
    fn mark(&self) -> u32 {
        let state = &self.state;
        let mut mark = mix(low_half(self.revision), state.terminal.to_word());
        let banks = (0..)
            .zip(state.flags.banks())
            .zip(state.rollouts.chunks(BANK_SIZE));
        for ((bank, flags), rollouts) in banks {
            let is_full = |rollout: &u16| *rollout == FULL_ROLLOUT;
            if bank > 0 && flags == 0 && rollouts.iter().all(is_full) {
                continue;
            }
            if bank > 0 {
                mark = mix(mark, bank);
            }
            let (pairs, _) = rollouts.as_chunks::<2>();
            let pairs = pairs
                .iter()
                .map(|[low, high]| u32::from(*high) << 16 | u32::from(*low));
            mark = std::iter::once(flags).chain(pairs).fold(mark, mix);
        }
        mark
    }
}

const fn mix(hash: u32, word: u32) -> u32 {
    let scrambled = word
        .wrapping_mul(0xcc9e_2d51)
        .rotate_left(15)
        .wrapping_mul(0x1b87_3593);
    (hash ^ scrambled)
        .rotate_left(13)
        .wrapping_mul(5)
        .wrapping_add(0xe654_6b64)
}

/// The words of a page that say what is persisted, so that loom's can stand in for real ones.
trait PersistedWords {
    fn raise_revision(&self, revision: u64);
    fn revision(&self) -> u64;
    fn mark(&self) -> u32;
    fn replace_mark(&self, before: u32, mark: u32) -> bool;
}

impl PersistedWords for Page {
    fn raise_revision(&self, revision: u64) {
        self.u64(REVISION).fetch_max(revision, SeqCst);
    }

    fn revision(&self) -> u64 {
        self.u64(REVISION).load(SeqCst)
    }

    fn mark(&self) -> u32 {
        self.u32(PERSISTED_MARK).load(SeqCst)
    }

    fn replace_mark(&self, before: u32, mark: u32) -> bool {
        self.u32(PERSISTED_MARK)
            .compare_exchange(before, mark, SeqCst, SeqCst)
            .is_ok()
    }
}

/// Other processes may do the same at the same time. One that finds its number replaced leaves the mark to them. The mark is
/// read before that look, and replaced only if it is still the same. The tests run this through loom.
fn note(words: &impl PersistedWords, revision: u64, mark: u32) {
    words.raise_revision(revision);
    loop {
        let before = words.mark();
        if words.revision() != revision || words.replace_mark(before, mark) {
            return;
        }
    }
}

impl Page {
    /// The last revision that the page knows of; 0 for none.
    #[must_use]
    pub fn persisted_revision(&self) -> u64 {
        self.u64(REVISION).load(SeqCst)
    }

    /// Notes what is on disk. An older number than the one noted is ignored.
    ///
    /// A process that is killed in between leaves a mark that fits no state, until the next revision.
    pub fn note_persisted(&self, persisted: &Persisted) {
        note(self, persisted.revision, persisted.mark());
    }

    /// Whether the page holds what its last persisted state does.
    #[cfg(test)]
    pub(crate) fn is_persisted(&self) -> bool {
        let persisted = Persisted {
            revision: self.u64(REVISION).load(SeqCst),
            state: self.snapshot().state,
        };
        persisted.revision != 0 && self.u32(PERSISTED_MARK).load(SeqCst) == persisted.mark()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::Bits;
    use crate::page::Arena;

    fn page(flags: u32) -> Page {
        let mut arena = Arena::default();
        let handle = arena.allocate(&State::with_flags(flags), 0, false).unwrap();
        arena.page(handle).unwrap().clone()
    }

    fn persisted(revision: u64, flags: u32) -> Persisted {
        let state = State::with_flags(flags);
        Persisted { revision, state }
    }

    #[test]
    fn the_last_revision_never_goes_back() {
        let page = page(1);
        assert!(!page.is_persisted());
        page.note_persisted(&persisted(7, 1));
        page.note_persisted(&persisted(3, 2));
        assert_eq!(page.u64(REVISION).load(SeqCst), 7);
        assert!(page.is_persisted());
    }

    #[test]
    fn every_field_counts() {
        let page = page(0b101);
        let is_persisted_as = |change: fn(&mut State)| {
            let mut state = State::with_flags(0b101);
            change(&mut state);
            let revision = page.u64(REVISION).load(SeqCst) + 1;
            page.note_persisted(&Persisted { revision, state });
            page.is_persisted()
        };
        assert!(is_persisted_as(|_| {}));
        assert!(!is_persisted_as(
            |state| state.flags = Bits::of_first_bank(0b111)
        ));
        assert!(!is_persisted_as(|state| state.terminal.rows = 25));
        assert!(!is_persisted_as(|state| state.terminal.reserved = 1));
        assert!(!is_persisted_as(|state| state.rollouts[0] = 0));
        assert!(!is_persisted_as(|state| state.rollouts[31] = 1));
        assert!(!is_persisted_as(|state| state.rollouts[255] = 1));
        assert!(!is_persisted_as(|state| {
            state.flags = state.flags | Bits::only(77);
        }));
        // These describe the time of writing.
        assert!(is_persisted_as(|state| state.registry_hashes[0] = 1));
    }

    mod of_those_who_note_at_once {
        use loom::sync::Arc;
        use loom::sync::atomic::{AtomicU32, AtomicU64};
        use loom::thread;

        use super::super::*;

        /// Loom has no sequentially consistent loads and stores, so all are read-modify-writes.
        #[derive(Default)]
        struct Model {
            revision: AtomicU64,
            mark: AtomicU32,
        }

        impl PersistedWords for Model {
            fn raise_revision(&self, revision: u64) {
                self.revision.fetch_max(revision, SeqCst);
            }

            fn revision(&self) -> u64 {
                self.revision.fetch_add(0, SeqCst)
            }

            fn mark(&self) -> u32 {
                self.mark.fetch_add(0, SeqCst)
            }

            fn replace_mark(&self, before: u32, mark: u32) -> bool {
                self.mark
                    .compare_exchange(before, mark, SeqCst, SeqCst)
                    .is_ok()
            }
        }

        fn check(note: fn(&Model, u64, u32)) {
            loom::model(move || {
                let page = Arc::new(Model::default());
                let others: Vec<_> = [(1, 11), (2, 22)]
                    .into_iter()
                    .map(|(revision, mark)| {
                        let page = Arc::clone(&page);
                        thread::spawn(move || note(&page, revision, mark))
                    })
                    .collect();
                for other in others {
                    other.join().unwrap();
                }
                assert_eq!((page.revision(), page.mark()), (2, 22), "an older mark");
            });
        }

        #[test]
        fn the_newest_has_the_last_word() {
            check(note);
        }

        #[test]
        #[should_panic(expected = "an older mark")]
        fn a_mark_that_is_read_after_the_look_is_noticed() {
            check(|words, revision, mark| {
                words.raise_revision(revision);
                while words.revision() == revision {
                    if words.replace_mark(words.mark(), mark) {
                        return;
                    }
                }
            });
        }
    }
}
