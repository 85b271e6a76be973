//! macOS 14.4 and later: `os_sync_wait_on_address`, shared between processes (os/os_sync_wait_on_address.h), looked up
//! at run time. Earlier versions look every millisecond.

#![expect(
    unsafe_code,
    reason = "the system calls have no safe interface in the standard library"
)]

#[path = "poll.rs"]
mod poll;

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use once_cell::sync::Lazy;

/// `OS_SYNC_WAIT_ON_ADDRESS_SHARED` and `OS_SYNC_WAKE_BY_ADDRESS_SHARED`.
const SHARED: u32 = 1;
/// `OS_CLOCK_MACH_ABSOLUTE_TIME`.
const CLOCK: u32 = 32;
/// `ENOENT` of a wake without sleepers and every other outcome mean the same here: look again.
type Wait = unsafe extern "C" fn(*mut c_void, u64, usize, u32, u32, u64) -> c_int;
type Wake = unsafe extern "C" fn(*mut c_void, usize, u32) -> c_int;

static CALLS: Lazy<Option<(Wait, Wake)>> = Lazy::new(|| {
    // SAFETY: C strings; the default handle searches what the process has loaded. A function of each name has the
    // type it is given here, and null becomes `None`.
    let (wait, wake) = unsafe {
        (
            std::mem::transmute::<*mut c_void, Option<Wait>>(libc::dlsym(
                libc::RTLD_DEFAULT,
                c"os_sync_wait_on_address_with_timeout".as_ptr(),
            )),
            std::mem::transmute::<*mut c_void, Option<Wake>>(libc::dlsym(
                libc::RTLD_DEFAULT,
                c"os_sync_wake_by_address_all".as_ptr(),
            )),
        )
    };
    Some((wait?, wake?))
});

/// Sleeps while `word` is `expected`, until woken or the time is up. May also return for no reason.
pub fn wait(word: &AtomicU32, expected: u32, timeout: Duration) {
    let Some((wait, _)) = *CALLS else {
        return poll::wait(word, expected, timeout);
    };
    let nanoseconds = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
    // SAFETY: `word` outlives the call and has the 4 bytes that are compared.
    unsafe {
        wait(
            ptr::from_ref(word).cast_mut().cast(),
            expected.into(),
            size_of::<AtomicU32>(),
            SHARED,
            CLOCK,
            nanoseconds,
        );
    }
}

/// Wakes everyone who sleeps on `word`, in any process.
pub fn wake_all(word: &AtomicU32) {
    if let Some((_, wake)) = *CALLS {
        // SAFETY: the system uses the address only.
        unsafe {
            wake(
                ptr::from_ref(word).cast_mut().cast(),
                size_of::<AtomicU32>(),
                SHARED,
            );
        }
    }
}
