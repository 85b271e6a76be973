//! Which file a path leads to.

#![cfg_attr(
    target_os = "linux",
    expect(unsafe_code, reason = "the standard library asks for more than that")
)]

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
#[cfg(not(unix))]
use std::path::PathBuf;

/// What makes two paths the same file.
#[cfg(unix)]
pub(super) type FileId = (u64, u64);
#[cfg(not(unix))]
pub(super) type FileId = PathBuf;

#[cfg(unix)]
pub(super) fn identify(metadata: &Metadata, _real_path: &Path) -> FileId {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
pub(super) fn identify(_metadata: &Metadata, real_path: &Path) -> FileId {
    real_path.to_path_buf()
}

/// The file that a path leads to now.
///
/// Linux is asked for nothing but the inode. Once somebody has read when a file was written, the next write has to take
/// down a new time, and the sync after it, that time: half of a sync more for every commit between two looks.
pub(super) fn at(path: &Path) -> io::Result<FileId> {
    #[cfg(target_os = "linux")]
    if let Some(id) = inode(path) {
        return Ok(id);
    }
    fs::metadata(path).map(|metadata| identify(&metadata, path))
}

/// `None` if there is none, or if the system does not tell.
#[cfg(target_os = "linux")]
fn inode(path: &Path) -> Option<FileId> {
    use std::ffi::CString;
    use std::mem::MaybeUninit;
    use std::os::unix::ffi::OsStrExt;

    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut found = MaybeUninit::<libc::statx>::zeroed();
    // SAFETY: the path is a C string, and there is room for what the system stores.
    let status = unsafe {
        libc::statx(
            libc::AT_FDCWD,
            path.as_ptr(),
            0,
            libc::STATX_INO,
            found.as_mut_ptr(),
        )
    };
    // SAFETY: zeros are valid for a struct of numbers, and so is what the system stored over them.
    let found = unsafe { found.assume_init() };
    let is_told = status == 0 && found.stx_mask & libc::STATX_INO != 0;
    is_told.then(|| {
        let device = libc::makedev(found.stx_dev_major, found.stx_dev_minor);
        (device, found.stx_ino)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_finds_what_the_standard_library_finds() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        assert_eq!(at(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        fs::write(&path, "").unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(at(&path).unwrap(), identify(&metadata, &path));
        #[cfg(target_os = "linux")]
        assert!(inode(&path).is_some());
    }
}
