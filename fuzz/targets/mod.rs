//! What is fuzzed. Each target takes any bytes and panics when something is not as it must be. The fuzzer runs them on
//! what it makes up, and `__test__/rust/fuzz_corpus.rs` on what is in `fuzz/corpus`.

#![allow(dead_code, reason = "each fuzzing program uses one of them")]

pub mod database;
pub mod live_file;
pub mod record;

use std::path::PathBuf;

use config13::error::Error;
use tempfile::TempDir;

/// Takes bytes from the front; zeros when there are no more.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        let [byte] = self.array();
        byte
    }

    fn number(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let taken = self.take(N);
        array[..taken.len()].copy_from_slice(taken);
        array
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Overwrites parts of `contents`: (place, length, bytes) as long as there are any. A place beyond the end counts
    /// from the start again.
    fn edit(&mut self, contents: &mut [u8]) {
        while !self.is_empty() && !contents.is_empty() {
            let place = u32::from_le_bytes(self.array()) as usize % contents.len();
            let length = usize::from(self.byte()).min(contents.len() - place);
            let bytes = self.take(length);
            contents[place..place + bytes.len()].copy_from_slice(bytes);
        }
    }
}

/// A directory of this thread, in memory where there is one, whose files the next input writes anew.
fn directory() -> PathBuf {
    thread_local! {
        static DIRECTORY: TempDir = TempDir::new_in("/dev/shm")
            .or_else(|_| TempDir::new())
            .expect("a temporary directory");
    }
    DIRECTORY.with(|directory| directory.path().to_path_buf())
}

/// The one error that nothing outside of this package may cause.
fn expect_no_panic(error: &Error) {
    assert!(!matches!(error, Error::StoreStopped { .. }), "{error}");
}
