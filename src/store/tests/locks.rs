//! Locks that neither other descriptors of this process nor another SQLite in it can take away. The tests are such
//! another one, with POSIX locks.

#![expect(unsafe_code, reason = "record locks are the system's interface")]

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::time::Duration;

use super::children::Other;
use super::*;
use crate::store::sqlite::paths::with_suffix;

/// Where SQLite keeps its locks: <https://www.sqlite.org/src/file/src/os.h>.
const SHARED_FIRST: i64 = 0x4000_0002;
const SHARED_SIZE: i64 = 510;
/// That of writers, in the `-shm`: <https://www.sqlite.org/walformat.html>.
const WRITE_LOCK: i64 = 120;

fn record(kind: libc::c_int, start: i64, length: i64) -> libc::flock {
    libc::flock {
        l_type: i16::try_from(kind).unwrap(),
        l_whence: 0,
        l_start: start,
        l_len: length,
        l_pid: 0,
    }
}

fn control(file: &File, command: libc::c_int, lock: &mut libc::flock) -> std::io::Result<()> {
    // SAFETY: the descriptor is open as long as `file`, and these commands take a `flock`.
    match unsafe { libc::fcntl(file.as_raw_fd(), command, std::ptr::from_mut(lock)) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// Whether somebody's lock keeps this place from being locked exclusively.
fn is_locked(file: &File, start: i64, length: i64) -> bool {
    let mut lock = record(libc::F_WRLCK, start, length);
    control(file, libc::F_OFD_GETLK, &mut lock).unwrap();
    lock.l_type != i16::try_from(libc::F_UNLCK).unwrap()
}

#[test]
fn closing_another_descriptor_of_the_file_leaves_the_locks() {
    let bed = Bed::new();
    let store = bed.open();
    let probe = File::open(bed.path()).unwrap();
    assert!(is_locked(&probe, SHARED_FIRST, SHARED_SIZE));
    for _ in 0..3 {
        drop(std::fs::read(bed.path()).unwrap());
        assert!(is_locked(&probe, SHARED_FIRST, SHARED_SIZE));
        persist(&store, &page(1), "with locks");
    }
    drop(store);
    bed.wait_until_closed();
    assert!(!is_locked(&probe, SHARED_FIRST, SHARED_SIZE));
}

#[test]
fn a_writer_of_this_process_with_posix_locks_is_waited_for() {
    let bed = Bed::new();
    let store =
        Store::open_within(&bed.path(), Access::ReadWrite, Duration::from_millis(20)).unwrap();
    store.attach(ENV, None).unwrap();
    let page = page(1);
    let mut options = OpenOptions::new();
    let index = options
        .read(true)
        .write(true)
        .open(with_suffix(&bed.path(), "-shm"))
        .unwrap();

    control(
        &index,
        libc::F_SETLK,
        &mut record(libc::F_WRLCK, WRITE_LOCK, 1),
    )
    .unwrap();
    let refused = ask(
        &store,
        persist_job(ENV, &page, page.take_snapshot(), "not yet", None),
    );
    assert!(
        matches!(refused, Err(Error::StoreBusy { .. })),
        "{refused:?}"
    );
    control(
        &index,
        libc::F_SETLK,
        &mut record(libc::F_UNLCK, WRITE_LOCK, 1),
    )
    .unwrap();
    assert_eq!(persist(&store, &page, "now").revision.id, 1);
}

#[test]
fn where_there_are_no_locks_of_open_files_those_of_the_process_are_used() {
    let bed = Bed::new();
    let mut sandbox = Other::start("sandbox", &bed.path());
    assert_eq!(sandbox.hear(), "persisted 1");
    let probe = File::open(bed.path()).unwrap();
    assert!(is_locked(&probe, SHARED_FIRST, SHARED_SIZE));
    drop(sandbox);
    assert!(!is_locked(&probe, SHARED_FIRST, SHARED_SIZE));
}

/// From now on this thread, and those that it starts, are told that such locks are invalid.
pub(super) fn forbid_locks_of_open_files() {
    let load = |offset: usize| {
        let code = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
        filter(code, 0, 0, u32::try_from(offset).unwrap())
    };
    let equals = |value: i64, otherwise: u8| {
        let code = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
        filter(code, 0, otherwise, u32::try_from(value).unwrap())
    };
    let answer = |value: u32| filter(libc::BPF_RET | libc::BPF_K, 0, 0, value);
    let at_least = |value: libc::c_int, otherwise: u8| {
        let code = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;
        filter(code, 0, otherwise, value.cast_unsigned())
    };
    let invalid = libc::SECCOMP_RET_ERRNO | libc::EINVAL.cast_unsigned();
    let command = std::mem::offset_of!(libc::seccomp_data, args) + size_of::<u64>();
    let mut rules = [
        load(std::mem::offset_of!(libc::seccomp_data, nr)),
        equals(libc::SYS_fcntl, 4),
        load(command),
        at_least(libc::F_OFD_GETLK, 2),
        filter(
            libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K,
            1,
            0,
            libc::F_OFD_SETLKW.cast_unsigned(),
        ),
        answer(invalid),
        answer(libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: u16::try_from(rules.len()).unwrap(),
        filter: rules.as_mut_ptr(),
    };
    // SAFETY: this option takes numbers.
    let status = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(status, 0);
    let mode = libc::SECCOMP_MODE_FILTER;
    // SAFETY: the program and its rules live until the system has copied them.
    let status = unsafe { libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program) };
    assert_eq!(status, 0, "{}", std::io::Error::last_os_error());
}

fn filter(code: u32, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    let code = u16::try_from(code).unwrap();
    libc::sock_filter { code, jt, jf, k }
}
