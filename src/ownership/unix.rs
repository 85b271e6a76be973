//! Linux and macOS.

#![expect(
    unsafe_code,
    reason = "the standard library knows neither the effective user nor faccessat"
)]

use std::ffi::CString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

#[cfg(target_os = "linux")]
use crate::statx::statx;

/// Permission to read and write.
const USE: u32 = 0o6;
/// All that a group may have.
const GROUP: u32 = 0o070;

/// Owner, group and permissions of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The user it belongs to.
    pub user: u32,
    /// Its group.
    pub group: u32,
    /// Its permission bits.
    pub mode: u32,
}

impl Owner {
    /// The owner of the file at this path, with links followed. `None` if there is no file, or it cannot be read.
    ///
    /// Times are not asked for on Linux, as in `file_id` and for the same reason.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        #[cfg(target_os = "linux")]
        if let Some(owner) = ask(path) {
            return Some(owner);
        }
        let metadata = fs::metadata(path).ok()?;
        Some(Self {
            user: metadata.uid(),
            group: metadata.gid(),
            mode: metadata.mode() & 0o777,
        })
    }

    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            user: metadata.uid(),
            group: metadata.gid(),
            mode: metadata.mode() & 0o777,
        })
    }

    /// Whether every user may write to the file.
    #[must_use]
    pub const fn lets_everyone_write(self) -> bool {
        self.mode & 0o002 != 0
    }

    /// Whether all users with access to a file of `other` have access to one of this owner. The owner of a file counts as
    /// a member of its group.
    #[must_use]
    pub const fn serves(self, other: Self) -> bool {
        let is_same_group = self.group == other.group;
        let [for_group, for_others] = [self.mode >> 3 & USE, self.mode & USE];
        let [group_wants, others_want] = [other.mode >> 3 & USE, other.mode & USE];
        let owner =
            self.user == other.user || is_same_group && for_group == USE || for_others == USE;
        let group = is_same_group && for_group & group_wants == group_wants
            || for_others & group_wants == group_wants;
        owner && group && for_others & others_want == others_want
    }
}

impl Owner {
    /// In words that go on after the name of a file.
    #[must_use]
    pub fn described(self) -> String {
        let Self { user, group, mode } = self;
        format!("belongs to user {user} and group {group}, with mode {mode:03o}")
    }

    /// The command that gives a file to this owner.
    #[must_use]
    pub fn advice(self, file: &Path) -> String {
        let Self { user, group, .. } = self;
        format!(
            "Give it to the owner of the database: chown {user}:{group} {}",
            file.display()
        )
    }

    /// Why this process makes no file beside one of this owner, if that is another user.
    #[must_use]
    pub fn makes_nothing_for_others(self) -> Option<String> {
        let (user, own) = (self.user, effective_user());
        (user != own)
            .then(|| format!("user {own} makes none for user {user}, who owns the database"))
    }

    /// How a process gets to use a file of this owner, in words that go on after [`Owner::described`].
    #[must_use]
    pub fn advice_to_use(self, file: &Path) -> String {
        let (user, own) = (self.user, effective_user());
        if user == own {
            return format!(". Change its mode: chmod u+rw {}", file.display());
        }
        format!(
            ", and this process runs as user {own}. Run this as user {user}, or let user {own} read and write it"
        )
    }

    /// The user who may do it.
    #[must_use]
    pub fn advice_to_run(self) -> String {
        format!("Run this as user {}", self.user)
    }
}

#[cfg(target_os = "linux")]
fn ask(path: &Path) -> Option<Owner> {
    let found = statx(path, libc::STATX_MODE | libc::STATX_UID | libc::STATX_GID)?;
    Some(Owner {
        user: found.stx_uid,
        group: found.stx_gid,
        mode: u32::from(found.stx_mode) & 0o777,
    })
}

/// The user that this process acts as.
#[must_use]
pub fn effective_user() -> u32 {
    // SAFETY: always succeeds and touches no memory.
    unsafe { libc::geteuid() }
}

/// Gives a new file of this process group, mode and owner of `like`, as far as the process may.
///
/// A group that it may not give gets no rights either: it would not be that of `like`. Must be called before
/// anything is written, on a file that no other user may open.
pub fn adopt(file: &File, like: Owner) -> io::Result<()> {
    let own = Owner::of(file)?;
    let has_group = own.group == like.group || fchown(file, None, Some(like.group)).is_ok();
    let mode = if has_group {
        like.mode
    } else {
        like.mode & !GROUP
    };
    file.set_permissions(Permissions::from_mode(mode))?;
    if own.user != like.user && effective_user() == 0 {
        // The owner goes last, since others than the owner may not change the mode. Where root may not give files away,
        // it stays the owner.
        let _as_far_as_possible = fchown(file, Some(like.user), None);
    }
    Ok(())
}

/// Makes an empty file at `path` that belongs to `like`, and that those may use who may use a file of `like`. It is an
/// error of the kind `AlreadyExists` if there is one, and `PermissionDenied` if this process cannot give it away.
pub fn create(path: &Path, like: Owner) -> io::Result<()> {
    let aside = Aside::new(path)?;
    adopt(&aside.file, like)?;
    if !Owner::of(&aside.file)?.serves(like) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    // Unlike renaming, this fails if there is a file.
    match fs::hard_link(&aside.path, path) {
        Err(error) if has_no_links(&error) && !path.exists() => fs::rename(&aside.path, path),
        linked => linked,
    }
}

/// On file systems without hard links, all files belong to the user that the mount names.
fn has_no_links(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EPERM | libc::EOPNOTSUPP | libc::ENOSYS)
    )
}

/// A file without its final name, which goes with it.
struct Aside {
    path: PathBuf,
    file: File,
}

impl Aside {
    fn new(path: &Path) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        loop {
            let count = COUNT.fetch_add(1, Relaxed);
            let mut name = path.as_os_str().to_owned();
            name.push(format!(".new-{}-{count}", std::process::id()));
            let path = PathBuf::from(name);
            match OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
            {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                file => return file.map(|file| Self { path, file }),
            }
        }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // If it cannot be removed, its name says what it is.
        let _gone = fs::remove_file(&self.path);
    }
}

/// Why this process may not read and write a file, in words that name the file and its owner. `None` when nothing is in
/// the way, or there is no file.
#[must_use]
pub fn obstacle(path: &Path) -> Option<String> {
    let owner = Owner::of_path(path)?;
    (!may_use(path)).then(|| {
        format!(
            "{} {}, and this process runs as user {}",
            path.display(),
            owner.described(),
            effective_user()
        )
    })
}

/// Whether this process may create files in a directory, and find them.
#[must_use]
pub fn may_create_in(directory: &Path) -> bool {
    has_access(directory, libc::R_OK | libc::W_OK | libc::X_OK)
}

/// Whether this process may read and write the file.
fn may_use(path: &Path) -> bool {
    has_access(path, libc::R_OK | libc::W_OK)
}

/// As the effective user.
fn has_access(path: &Path, wanted: libc::c_int) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else {
        return false;
    };
    // SAFETY: the path is a C string.
    let status =
        unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), wanted, libc::AT_EACCESS) };
    status == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: Owner = Owner {
        user: 2001,
        group: 3000,
        mode: 0o664,
    };

    #[test]
    fn a_file_serves_those_who_may_use_the_other_one() {
        let serves = |user, group, mode, like| Owner { user, group, mode }.serves(like);
        let closed = Owner {
            mode: 0o644,
            ..SERVICE
        };
        assert!(serves(2001, 3000, 0o664, SERVICE));
        assert!(serves(2002, 3000, 0o664, SERVICE), "through the group");
        assert!(serves(2002, 2002, 0o666, SERVICE), "as anybody");
        assert!(!serves(2002, 3000, 0o644, closed));
        assert!(!serves(2002, 2002, 0o664, SERVICE));
        assert!(!serves(2001, 2001, 0o664, SERVICE), "not the group");
        assert!(serves(2001, 2001, 0o644, closed));
    }

    #[test]
    fn a_file_is_made_with_the_owner_of_another_one() {
        let directory = tempfile::tempdir().unwrap();
        let [like, path] = ["like", "new"].map(|name| directory.path().join(name));
        fs::write(&like, "").unwrap();
        fs::set_permissions(&like, Permissions::from_mode(0o640)).unwrap();
        if effective_user() == 0 {
            fchown(File::open(&like).unwrap(), Some(2001), Some(3000)).unwrap();
        }
        let owner = Owner::of_path(&like).unwrap();
        create(&path, owner).unwrap();
        assert_eq!(Owner::of_path(&path), Some(owner));
        let again = create(&path, owner).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        let left: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
        assert_eq!(left.len(), 2, "{left:?}");
        assert_eq!(obstacle(&path), None);
    }
}
