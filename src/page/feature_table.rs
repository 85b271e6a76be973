//! The feature table of a live file: 32 × (length, 63 bytes of name), after the page.
//!
//! A name is written as eight 64-bit words. The first one, which has the length, is written last, so a reader sees
//! either no name or the whole of it. Writers hold the file's exclusive lock.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

use super::Page;
use super::layout::{FULL_ROLLOUT, NAME_COUNT, NAME_SIZE, NAMES, STATE};
use crate::error::Error;
use crate::feature_table::{FeatureTable, MAX_FEATURES};

const WORDS_PER_NAME: usize = NAME_SIZE / 8;

/// Reads and checks the table. A private page has none.
pub(super) fn read(page: &Page) -> Result<FeatureTable, Error> {
    let mut names = Vec::new();
    for bit in 0..MAX_FEATURES {
        let words: [u64; WORDS_PER_NAME] =
            std::array::from_fn(|index| word(page, bit, index).map_or(0, |word| word.load(SeqCst)));
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let Some((&length, text)) = bytes.split_first() else {
            break;
        };
        if length == 0 {
            break;
        }
        // An overlong or garbled name fails the feature table's check of names.
        let text = text.get(..length.into()).unwrap_or(text);
        names.push(String::from_utf8_lossy(text).into_owned());
    }
    FeatureTable::new(names)
}

/// Replaces the whole table of a page that is not shared yet.
pub(super) fn write(page: &Page, table: &FeatureTable) {
    for bit in 0..MAX_FEATURES {
        let name = table.names().get(bit).map_or("", String::as_str);
        write_name(page, bit, name);
    }
}

/// Gives a name its bit. The feature is off and rolled out to everyone before the name can be seen.
pub(super) fn append(page: &Page, bit: usize, name: &str) {
    page.u64(STATE).fetch_and(!(1 << bit), SeqCst);
    page.rollout(bit).store(FULL_ROLLOUT, SeqCst);

    write_name(page, bit, name);
}

/// Publishes the number of names. Every registration does so, so it does not matter if a process was killed
/// between appending and publishing.
pub(super) fn announce(page: &Page, table: &FeatureTable) {
    let names = u32::try_from(table.names().len()).unwrap_or(u32::MAX);
    page.u32(NAME_COUNT).fetch_max(names, SeqCst);
}

fn write_name(page: &Page, bit: usize, name: &str) {
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
    for (index, bytes) in words.iter().enumerate().rev() {
        if let Some(word) = word(page, bit, index) {
            word.store(u64::from_le_bytes(*bytes), SeqCst);
        }
    }
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
