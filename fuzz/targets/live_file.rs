//! Opening live files that somebody has tampered with.

#![expect(unsafe_code, reason = "a lock as another process holds it")]

use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use config13::error::Error;
use config13::feature_table::{FEATURE_NAME, FeatureTable, MAX_FEATURES};
use config13::page::layout::{FORMAT, LIVE_SIZE, MAGIC, PAGE_FORMAT, PAGE_ID};
use config13::page::{FULL_ROLLOUTS, Initial, Page, Persisted, State, Units, open_live_within};
use config13::record::Record;

use super::{Input, directory};

/// One attempt, since nobody will mend the file.
const WAIT: Duration = Duration::ZERO;

/// First byte: bit 0, another process has the file open, so that it is attached to and not filled; bit 1, the rest is
/// the whole file, else it is edits of a valid one; bit 2, the edits come after the file was opened; bit 3, the file
/// is cut to the length in the next two bytes.
pub fn check(data: &[u8]) {
    let mut input = Input(data);
    let how = input.byte();
    let length = (how & 8 != 0).then(|| input.number());
    let path = directory().join("live");
    let mut contents = if how & 2 != 0 {
        input.take(usize::MAX).to_vec()
    } else {
        valid(&path)
    };
    let edits_later = how & 4 != 0;
    if !edits_later {
        input.edit(&mut contents);
    }
    if let Some(length) = length {
        contents.truncate(usize::from(length));
    }
    fs::write(&path, &contents).expect("a live file");
    let owner_only = fs::Permissions::from_mode(0o600);
    fs::set_permissions(&path, owner_only).expect("a mode");

    let held = (how & 1 != 0).then(|| hold(&path));
    match open(&path) {
        Ok(page) => {
            if held.is_some() {
                expect_header(&contents);
            }
            let file = OpenOptions::new()
                .write(true)
                .open(&path)
                .expect("the file");
            while edits_later && !input.is_empty() {
                let place = usize::from(input.number()) % LIVE_SIZE;
                let length = usize::from(input.byte()).min(LIVE_SIZE - place);
                let bytes = input.take(length);
                file.write_all_at(bytes, place as u64).expect("an edit");
                exercise(&page);
            }
            exercise(&page);
        }
        Err(error) => {
            assert!(
                matches!(
                    error,
                    Error::LiveFileInvalid { .. }
                        | Error::LiveFileBusy { .. }
                        | Error::LiveFileMismatch { .. }
                        | Error::TooManyFeatures { .. }
                ),
                "{error}"
            );
            assert!(!error.to_string().is_empty());
            // A file that is refused was not written to.
            if matches!(error, Error::LiveFileInvalid { .. }) {
                assert!(fs::read(&path).expect("the file") == contents);
            }
        }
    }
    drop(held);
    fs::remove_file(&path).expect("the file");
}

/// What a file must start with that is attached to as it is.
fn expect_header(contents: &[u8]) {
    assert_eq!(contents.len(), LIVE_SIZE);
    assert!(contents.starts_with(&MAGIC));
    assert_eq!(contents[FORMAT..FORMAT + 4], PAGE_FORMAT.to_le_bytes());
    assert_ne!(contents[PAGE_ID..PAGE_ID + 8], [0; 8]);
}

fn state() -> State {
    State::of_record(Record::default(), FULL_ROLLOUTS)
}

fn open(path: &Path) -> Result<Page, Error> {
    let table = FeatureTable::new(["alpha", "beta"]).expect("two names");
    open_live_within(WAIT, path, &table, None, || {
        Ok(Initial {
            state: state(),
            table: table.clone(),
            persisted: Some(Persisted {
                revision: 7,
                state: state(),
            }),
        })
    })
}

/// The bytes of a live file as this package writes it.
fn valid(path: &Path) -> Vec<u8> {
    let page = open(path).expect("a new file");
    drop(page);
    let contents = fs::read(path).expect("the file");
    fs::remove_file(path).expect("the file");
    contents
}

/// What another process does that has the file open.
fn hold(path: &Path) -> File {
    let file = File::open(path).expect("the file");
    // SAFETY: `flock` is plain numbers, for which zeros are valid.
    let mut in_use: libc::flock = unsafe { std::mem::zeroed() };
    // The constants are of one size on Linux and of another on macOS.
    in_use.l_type = i64::from(libc::F_RDLCK).try_into().expect("a small number");
    in_use.l_whence = i64::from(libc::SEEK_SET)
        .try_into()
        .expect("a small number");
    in_use.l_len = 1;
    // SAFETY: the descriptor is open, and `in_use` outlives the call.
    let status = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const in_use) };
    assert_eq!(status, 0, "nobody else locks it");
    file
}

/// Everything that reads or changes a page, whatever is in it.
fn exercise(page: &Page) {
    let snapshot = page.snapshot();
    match page.table() {
        Ok(table) => {
            let table = table.expect("a live page has a table");
            assert!(table.names().len() <= MAX_FEATURES);
            assert!(table.names().iter().all(|name| FEATURE_NAME.allows(name)));
            let problems = snapshot.state.problems(table.mask());
            assert!(
                problems
                    .iter()
                    .all(|problem| !problem.to_string().is_empty())
            );
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let guard = page.try_lock_order().expect("nobody else locks it");
    page.complete_change()
        .expect("nobody else locks the journal");
    let changed = page.change(&state(), Units::ALL, page.contains());
    changed.expect("nobody else locks the journal");
    page.clear_mark();
    drop(guard);
    let after = page.snapshot().state;
    assert_eq!(after.flags, state().flags);
    assert_eq!(after.terminal, state().terminal);
    assert!(!page.is_unfinished());
    let ticket = page.ticket();
    assert_eq!(page.take_snapshot().ticket, ticket.wrapping_add(1));
    page.note_persisted(&Persisted {
        revision: snapshot.page_id,
        state: state(),
    });
}
