//! Windows.

#![expect(
    unsafe_code,
    reason = "the standard library does not tell which file is open, nor how many names it has"
)]

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT,
    FILE_ID_INFO, FileIdInfo, GetFileInformationByHandle, GetFileInformationByHandleEx,
};

/// What makes two paths the same file: the volume, and the file on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId(u64, [u8; 16]);

/// That of an open file.
pub fn of(file: &File) -> io::Result<FileId> {
    let mut found = FILE_ID_INFO::default();
    let size = u32::try_from(size_of::<FILE_ID_INFO>()).map_err(io::Error::other)?;
    // SAFETY: the handle is open, and `found` is room for what this question is answered with.
    let status = unsafe {
        GetFileInformationByHandleEx(
            file.as_raw_handle(),
            FileIdInfo,
            (&raw mut found).cast(),
            size,
        )
    };
    if status != 0 {
        return Ok(FileId(found.VolumeSerialNumber, found.FileId.Identifier));
    }
    // Only NTFS and ReFS number files with 128 bits.
    let found = ask(file)?;
    let index = u64::from(found.nFileIndexHigh) << 32 | u64::from(found.nFileIndexLow);
    let mut identifier = [0; 16];
    identifier[..8].copy_from_slice(&index.to_le_bytes());
    Ok(FileId(found.dwVolumeSerialNumber.into(), identifier))
}

/// The file that a path leads to now.
pub fn at(path: &Path) -> io::Result<FileId> {
    of(&open(path, FILE_FLAG_BACKUP_SEMANTICS)?)
}

/// What is at a path now, which may be a symbolic link.
pub fn at_itself(path: &Path) -> io::Result<FileId> {
    of(&open(
        path,
        FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT,
    )?)
}

/// How many names a file has, of which the path is one.
pub fn count_links(path: &Path, _metadata: &Metadata) -> io::Result<u64> {
    let found = ask(&open(path, FILE_FLAG_BACKUP_SEMANTICS)?)?;
    Ok(found.nNumberOfLinks.into())
}

/// Opens what is at a path, a directory too, for questions alone: that is in nobody's way, and drops no locks here.
fn open(path: &Path, flags: u32) -> io::Result<File> {
    OpenOptions::new()
        .access_mode(0)
        .custom_flags(flags)
        .open(path)
}

fn ask(file: &File) -> io::Result<BY_HANDLE_FILE_INFORMATION> {
    let mut found = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open, and there is room for the answer.
    let status = unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut found) };
    if status == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(found)
}
