//! Which file a path leads to, and what else tells files apart.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[cfg(target_os = "linux")]
use crate::statx::statx;

#[cfg_attr(windows, path = "file_id/windows.rs")]
#[cfg_attr(unix, path = "file_id/unix.rs")]
mod platform;

pub use platform::{FileId, at, at_itself, count_links, of};

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

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io;

    use super::*;

    #[test]
    fn all_names_of_a_file_lead_to_it_and_no_other_path_does() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        let path = place("file");
        assert_eq!(at(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(
            at_itself(&path).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
        fs::write(&path, "").unwrap();
        fs::write(place("other"), "").unwrap();
        let id = of(&File::open(&path).unwrap()).unwrap();
        assert_eq!(at(&path).unwrap(), id);
        assert_eq!(at_itself(&path).unwrap(), id);
        assert_ne!(at(&place("other")).unwrap(), id);
        assert_ne!(at(directory.path()).unwrap(), id);
        let links = |path: &Path| count_links(path, &fs::metadata(path).unwrap()).unwrap();
        assert_eq!(links(&path), 1);
        fs::hard_link(&path, place("second")).unwrap();
        assert_eq!(at(&place("second")).unwrap(), id);
        assert_eq!(links(&path), 2);
        assert_eq!(links(&place("second")), 2);
    }

    #[test]
    #[cfg(unix)]
    fn a_symbolic_link_is_a_file_of_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let [path, link] = ["file", "link"].map(|name| directory.path().join(name));
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(at(&link).unwrap_err().kind(), io::ErrorKind::NotFound);
        fs::write(&path, "").unwrap();
        assert_eq!(at(&link).unwrap(), at(&path).unwrap());
        assert_ne!(at_itself(&link).unwrap(), at(&path).unwrap());
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
