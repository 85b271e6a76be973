//! Linux's own question for the facts of a file, which can be limited to those that are wanted.

#![expect(unsafe_code, reason = "the standard library always asks for all facts")]

use std::ffi::CString;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The facts of a file, with links followed. `None` if there is no file, or if the system lacks one of `fields`.
///
/// This calls the system, not the C library, whose function is newer than the C libraries that are supported: it is in
/// glibc 2.28 and musl 1.2.5.
pub(crate) fn statx(path: &Path, fields: libc::c_uint) -> Option<libc::statx> {
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut found = MaybeUninit::<libc::statx>::zeroed();
    // SAFETY: the path is a C string, and there is room for what the system stores.
    let status = unsafe {
        libc::syscall(
            libc::SYS_statx,
            libc::AT_FDCWD,
            path.as_ptr(),
            0,
            fields,
            found.as_mut_ptr(),
        )
    };
    // SAFETY: zeros are valid for a struct of numbers, and so is what the system stored over them.
    let found = unsafe { found.assume_init() };
    (status == 0 && found.stx_mask & fields == fields).then_some(found)
}
