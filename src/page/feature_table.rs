//! The feature table of a live file: 256 × (length, 63 bytes of name), after the page and the journal.
//!
//! The highest bit of the length says that the name is retired. A name is written as eight 64-bit words. The first one, which has the length, is written last, so a reader sees
//! either no name or the whole of it. Before that its feature is what it starts with. Writers hold the order lock;
//! readers need none, and have to read a name before the switch of its bit. The tests run this through loom.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

use super::layout::{FULL_ROLLOUT, NAME_COUNT, NAME_SIZE, NAMES};
use super::{Page, State};
use crate::bits::{BANK_SIZE, Bits};
use crate::error::Error;
use crate::feature_table::{FeatureTable, MAX_FEATURES};

const WORDS_PER_NAME: usize = NAME_SIZE / 8;

/// The bit of a name's first byte, and so of its first word, that says that it is retired.
const RETIRED: u8 = 0x80;

/// The words of a page that names are about, so that loom's can stand in for real ones.
trait NameWords {
    /// One of the words of a name.
    fn load(&self, bit: usize, index: usize) -> u64;
    fn store(&self, bit: usize, index: usize, value: u64);
    /// Gives a feature its switch and its rollout in this state.
    fn set(&self, bit: usize, state: &State);
}

impl NameWords for Page {
    fn load(&self, bit: usize, index: usize) -> u64 {
        word(self, bit, index).map_or(0, |word| word.load(SeqCst))
    }

    fn store(&self, bit: usize, index: usize, value: u64) {
        if let Some(word) = word(self, bit, index) {
            word.store(value, SeqCst);
        }
    }

    fn set(&self, bit: usize, state: &State) {
        let rollout = state.rollouts.get(bit).copied().unwrap_or(FULL_ROLLOUT);
        let (word, flag) = (self.state_word(bit / BANK_SIZE), 1 << (bit % BANK_SIZE));
        word.fetch_and(!flag, SeqCst);
        self.rollout(bit).store(rollout, SeqCst);
        if state.flags.has(bit) {
            word.fetch_or(flag, SeqCst);
        }
    }
}

/// Reads and checks the table. A private page has none.
pub(super) fn read(page: &Page) -> Result<FeatureTable, Error> {
    // First, so that the names are not older than that.
    let changes = page.u32(NAME_COUNT).load(SeqCst) >> 16;
    let mut retired = Bits::NONE;
    let names = (0..MAX_FEATURES).map_while(|bit| {
        let (name, is_retired) = read_name(page, bit)?;
        if is_retired {
            retired = retired | Bits::only(bit);
        }
        Some(name)
    });
    let names: Vec<String> = names.collect();
    Ok(FeatureTable::new(names)?.with_retired(retired, changes))
}

/// A name, and whether it is retired. `None` for a bit without one.
fn read_name(words: &impl NameWords, bit: usize) -> Option<(String, bool)> {
    let words: [u64; WORDS_PER_NAME] = std::array::from_fn(|index| words.load(bit, index));
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let (&first, text) = bytes.split_first()?;
    let length = first & !RETIRED;
    if length == 0 {
        return None;
    }
    // An overlong or garbled name fails the feature table's check of names.
    let text = text.get(..length.into()).unwrap_or(text);
    let name = String::from_utf8_lossy(text).into_owned();
    Some((name, first & RETIRED != 0))
}

/// Replaces the whole table of a page that is not shared yet.
pub(super) fn write(page: &Page, table: &FeatureTable) {
    for bit in 0..MAX_FEATURES {
        let name = table.names().get(bit).map_or("", String::as_str);
        write_name(page, bit, name);
    }
    hide_retired(page, table);
}

/// Marks the names that are retired in the table, and takes the mark from others. The caller holds the order lock.
pub(super) fn hide_retired(page: &Page, table: &FeatureTable) {
    for bit in 0..table.names().len() {
        if let Some(word) = word(page, bit, 0) {
            let before = word.load(SeqCst);
            let mark = u64::from(RETIRED);
            let wanted = if table.retired().has(bit) {
                before | mark
            } else {
                before & !mark
            };
            if wanted != before {
                word.store(wanted, SeqCst);
            }
        }
    }
}

/// Gives a name its bit. The feature is what it starts with before the name can be seen.
pub(super) fn append(page: &Page, bit: usize, name: &str, starts: &State) {
    give(page, bit, name, starts);
}

fn give(words: &impl NameWords, bit: usize, name: &str, starts: &State) {
    words.set(bit, starts);
    write_name(words, bit, name);
}

/// Publishes the number of names, and that of changes. Every registration does so, so it does not matter if a process was killed
/// between appending and publishing.
pub(super) fn announce(page: &Page, names: usize, changes: u32) {
    let names = u32::try_from(names).unwrap_or(u32::MAX);
    page.u32(NAME_COUNT)
        .fetch_max(changes << 16 | names, SeqCst);
}

fn write_name(page: &impl NameWords, bit: usize, name: &str) {
    for (index, word) in words_of(name).iter().enumerate().rev() {
        page.store(bit, index, *word);
    }
}

fn words_of(name: &str) -> [u64; WORDS_PER_NAME] {
    let mut bytes = [0; NAME_SIZE];
    // A table holds no name that is longer than the field.
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    for (byte, value) in bytes
        .iter_mut()
        .zip(std::iter::once(length).chain(name.bytes()))
    {
        *byte = value;
    }
    let (words, _) = bytes.as_chunks::<8>();
    std::array::from_fn(|index| words.get(index).map_or(0, |word| u64::from_le_bytes(*word)))
}

fn word(page: &Page, bit: usize, index: usize) -> Option<&AtomicU64> {
    if bit >= MAX_FEATURES || index >= WORDS_PER_NAME {
        return None;
    }
    page.0.live_file()?;
    let offset = NAMES + bit * NAME_SIZE + index * 8;
    let field = page.as_ptr().wrapping_add(offset).cast();
    // SAFETY: a live file is mapped in its full length, bit and index were checked, and the offset is a multiple of 8
    // from a page boundary; the table is only ever accessed in words of this width.
    Some(unsafe { AtomicU64::from_ptr(field) })
}

#[cfg(test)]
mod tests {
    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicU32, AtomicU64};
    use loom::thread;

    use super::*;

    const NAME: &str = "of two words";

    /// One bit that a killed process left switched on, and the first two words of its name; the others are 0.
    struct Model {
        switch: AtomicU32,
        name: [AtomicU64; 2],
    }

    impl NameWords for Model {
        fn load(&self, _bit: usize, index: usize) -> u64 {
            // Loom has no sequentially consistent loads and stores, so all are read-modify-writes.
            self.name
                .get(index)
                .map_or(0, |word| word.fetch_add(0, SeqCst))
        }

        fn store(&self, _bit: usize, index: usize, value: u64) {
            match self.name.get(index) {
                Some(word) => drop(word.swap(value, SeqCst)),
                None => assert_eq!(value, 0),
            }
        }

        fn set(&self, _bit: usize, _starts: &State) {
            self.switch.swap(0, SeqCst);
        }
    }

    fn check(give: fn(&Model)) {
        loom::model(move || {
            let page = Arc::new(Model {
                switch: AtomicU32::new(1),
                name: Default::default(),
            });
            let writer = Arc::clone(&page);
            let writer = thread::spawn(move || give(&writer));
            if let Some((name, _)) = read_name(&*page, 0) {
                assert_eq!(name, NAME, "half a name");
                assert_eq!(page.switch.fetch_add(0, SeqCst), 0, "an old switch");
            }
            writer.join().unwrap();
            assert_eq!(read_name(&*page, 0).unwrap().0, NAME);
        });
    }

    #[test]
    fn a_name_is_seen_whole_and_its_feature_off() {
        check(|page| give(page, 0, NAME, &State::EMPTY));
    }

    #[test]
    #[should_panic(expected = "half a name")]
    fn a_length_that_is_written_first_is_noticed() {
        check(|page| {
            page.set(0, &State::EMPTY);
            for (index, word) in words_of(NAME).iter().enumerate() {
                page.store(0, index, *word);
            }
        });
    }

    #[test]
    #[should_panic(expected = "an old switch")]
    fn a_switch_that_goes_off_after_the_name_is_noticed() {
        check(|page| {
            write_name(page, 0, NAME);
            page.set(0, &State::EMPTY);
        });
    }
}
