//! Which file a path leads to.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
#[cfg(not(unix))]
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[cfg(target_os = "linux")]
use crate::statx::statx;

/// What makes two paths the same file.
#[cfg(unix)]
pub type FileId = (u64, u64);
#[cfg(not(unix))]
pub type FileId = PathBuf;

#[cfg(unix)]
pub fn identify(metadata: &Metadata, _real_path: &Path) -> FileId {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
pub fn identify(_metadata: &Metadata, real_path: &Path) -> FileId {
    real_path.to_path_buf()
}

/// The file that a path leads to now.
///
/// Requests only the inode on Linux. After a process has read the modification time, the next write must record a new
/// one, and the following sync must write it: half a sync more for each commit between two checks.
pub fn at(path: &Path) -> io::Result<FileId> {
    #[cfg(target_os = "linux")]
    if let Some(id) = inode(path) {
        return Ok(id);
    }
    fs::metadata(path).map(|metadata| identify(&metadata, path))
}

/// `None` if there is no file, or if the system does not report its inode.
#[cfg(target_os = "linux")]
fn inode(path: &Path) -> Option<FileId> {
    let found = statx(path, libc::STATX_INO)?;
    Some(number(&found))
}

#[cfg(target_os = "linux")]
const fn number(found: &libc::statx) -> FileId {
    let device = libc::makedev(found.stx_dev_major, found.stx_dev_minor);
    (device, found.stx_ino)
}

/// What changes with the contents of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub size: u64,
    /// Since 1970.
    changed: Duration,
}

impl Stamp {
    /// By the system's clock. A time to come counts as old.
    pub fn is_older_than(&self, span: Duration) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.is_ok_and(|now| now.abs_diff(self.changed) > span)
    }
}

/// `None` if there is no file.
pub fn stamp(path: &Path) -> Option<Stamp> {
    #[cfg(target_os = "linux")]
    if let Some(found) = statx(path, libc::STATX_SIZE | libc::STATX_CTIME) {
        let seconds = u64::try_from(found.stx_ctime.tv_sec).unwrap_or_default();
        return Some(Stamp {
            size: found.stx_size,
            changed: Duration::new(seconds, found.stx_ctime.tv_nsec),
        });
    }
    let metadata = fs::metadata(path).ok()?;
    let changed = metadata.modified().ok()?;
    Some(Stamp {
        size: metadata.len(),
        changed: changed.duration_since(UNIX_EPOCH).unwrap_or_default(),
    })
}

/// Whether something is mounted exactly there. The path has no symbolic links.
#[cfg(target_os = "linux")]
pub fn is_mount_point(path: &Path) -> bool {
    let known = statx(path, libc::STATX_TYPE).and_then(|found| mark_of_a_mount(&found));
    known.unwrap_or_else(|| is_listed_as_mount(path))
}

/// Other systems mount no single files.
#[cfg(not(target_os = "linux"))]
pub const fn is_mount_point(_path: &Path) -> bool {
    false
}

/// `None` before Linux 5.8.
#[cfg(target_os = "linux")]
const fn mark_of_a_mount(found: &libc::statx) -> Option<bool> {
    let mark = libc::STATX_ATTR_MOUNT_ROOT as u64;
    if found.stx_attributes_mask & mark == 0 {
        return None;
    }
    Some(found.stx_attributes & mark != 0)
}

/// The same by the list of mounts, whose fifth column is where each of them is.
#[cfg(target_os = "linux")]
fn is_listed_as_mount(path: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;

    let path: Vec<u8> = path
        .as_os_str()
        .as_bytes()
        .iter()
        .fold(Vec::new(), |mut escaped, byte| {
            // What would end a column or a line is written in octal.
            if b" \t\n\\".contains(byte) {
                escaped.extend_from_slice(format!("\\{byte:03o}").as_bytes());
            } else {
                escaped.push(*byte);
            }
            escaped
        });
    let mounts = fs::read("/proc/self/mountinfo").unwrap_or_default();
    mounts
        .split(|byte| *byte == b'\n')
        .any(|line| line.split(|byte| *byte == b' ').nth(4) == Some(&path))
}

/// How many names the file has.
#[cfg(unix)]
pub fn count_links(metadata: &Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    metadata.nlink()
}

/// The standard library does not tell.
#[cfg(not(unix))]
pub const fn count_links(_metadata: &Metadata) -> u64 {
    1
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

    #[test]
    #[cfg(target_os = "linux")]
    fn mounts_are_found_in_both_ways() {
        let directory = tempfile::tempdir().unwrap();
        for (path, is_mount) in [(Path::new("/proc"), true), (directory.path(), false)] {
            assert_eq!(is_mount_point(path), is_mount, "{}", path.display());
            assert_eq!(is_listed_as_mount(path), is_mount, "{}", path.display());
        }
    }
}
