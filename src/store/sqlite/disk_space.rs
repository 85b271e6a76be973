//! How much room the file system has.

#![expect(
    unsafe_code,
    reason = "the standard library does not ask how much space is left"
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

/// Bytes that this user may still write where the file is; `None` where that cannot be asked.
#[cfg(windows)]
pub fn free_bytes(path: &Path) -> Option<u64> {
    use std::os::windows::ffi::OsStrExt;
    use std::ptr;

    use windows_sys::Win32::Storage::FileSystem::GetDiskFreeSpaceExW;

    // It wants a directory.
    let directory = path.parent()?;
    let wide: Vec<u16> = directory.as_os_str().encode_wide().chain([0]).collect();
    let mut free = 0;
    // SAFETY: the path ends with a NUL, `free` is room for the answer, and the other answers may be left out.
    let status = unsafe {
        GetDiskFreeSpaceExW(
            wide.as_ptr(),
            &raw mut free,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    (status != 0).then_some(free)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_where_a_file_is_and_none_where_there_is_nothing() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(free_bytes(file.path()).unwrap() > 0);
        assert_eq!(free_bytes(&file.path().join("nowhere/file")), None);
    }
}
