//! Platforms without live files. Every entrance refuses, so nothing past it is ever reached.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;

use super::Lock;
use crate::error::Error;
use crate::ownership::Owner;

const SHARING: Error = Error::Unsupported {
    what: "enableClusterSync (sharing memory between processes)",
};

fn unsupported() -> io::Error {
    io::ErrorKind::Unsupported.into()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileIdentity {}

#[derive(Debug)]
pub enum Mapping {}

impl Mapping {
    pub fn new(_file: &File) -> io::Result<Self> {
        Err(unsupported())
    }

    pub const fn base(&self) -> NonNull<u8> {
        match *self {}
    }
}

pub fn open(_path: &Path, _create: bool, _owner: Option<Owner>) -> Result<File, Error> {
    Err(SHARING)
}

/// There is no live file.
pub fn examine(_path: &Path, _owner: Option<Owner>) -> Result<Option<Metadata>, Error> {
    Ok(None)
}

pub fn give_to(_file: &File, _owner: Option<Owner>) {}

pub fn check_replaceable(_path: &Path, _file: &File) -> Result<(), Error> {
    Err(SHARING)
}

pub fn allocate(_path: &Path, _file: &File) -> Result<(), Error> {
    Err(SHARING)
}

pub fn identity(_file: &File) -> io::Result<FileIdentity> {
    Err(unsupported())
}

pub fn identity_of_path(_path: &Path) -> Option<FileIdentity> {
    None
}

pub fn try_lock_file(_file: &File, _lock: Lock) -> io::Result<bool> {
    Err(unsupported())
}

pub fn try_lock_range(_file: &File) -> io::Result<bool> {
    Err(unsupported())
}

pub fn unlock_range(_file: &File) {}

/// Refuses.
pub fn cluster_path(
    _name: Option<&str>,
    _environment: &str,
    _create: bool,
) -> Result<PathBuf, Error> {
    Err(SHARING)
}
