//! How much room the file system has.

#![cfg_attr(
    unix,
    expect(
        unsafe_code,
        reason = "the standard library does not ask how much space is left"
    )
)]

use std::path::Path;

/// Bytes that this user may still write where the file is; `None` where that cannot be asked.
#[cfg(unix)]
pub fn free_bytes(path: &Path) -> Option<u64> {
    use std::ffi::CString;
    use std::mem::MaybeUninit;
    use std::os::unix::ffi::OsStrExt;

    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut answer = MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the path ends with a NUL, and `answer` is room for what is written.
    let code = unsafe { libc::statvfs(path.as_ptr(), answer.as_mut_ptr()) };
    if code != 0 {
        return None;
    }
    // SAFETY: the call succeeded, so it has filled all of it.
    let answer = unsafe { answer.assume_init() };
    #[expect(
        clippy::useless_conversion,
        reason = "the widths of both differ from system to system"
    )]
    let (blocks, size) = (u64::from(answer.f_bavail), u64::from(answer.f_frsize));
    Some(blocks.saturating_mul(size))
}

/// Not asked there.
#[cfg(not(unix))]
pub fn free_bytes(_path: &Path) -> Option<u64> {
    None
}
