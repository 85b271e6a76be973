//! Platforms without live files.

use std::convert::Infallible;
use std::fs::Metadata;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::page::Page;

const DOORBELLS: Error = Error::Unsupported {
    what: "telling other processes of changes",
};

#[derive(Debug)]
pub struct Doorbells;

#[expect(
    clippy::unused_self,
    clippy::unnecessary_wraps,
    reason = "the counterpart has a directory, and can fail"
)]
impl Doorbells {
    pub fn beside(_path: &Path, _live_file: &Metadata) -> Self {
        Self
    }

    pub fn clear(&self) {}

    pub fn ring(&self, _count: u32, _changed_at: u64) {}

    pub fn problem(&self, _count: u32) -> Result<(), Error> {
        Ok(())
    }

    pub fn put_up(&self, _page: &Page) -> Result<Doorbell, Error> {
        Err(DOORBELLS)
    }
}

/// There are none.
pub fn examine(_live_file: &Path, _owner: &Metadata) -> Result<Option<(PathBuf, usize)>, Error> {
    Ok(None)
}

/// There are none.
#[derive(Debug)]
pub struct Doorbell(Infallible);

impl Doorbell {
    /// Where to listen for connections.
    pub fn address(&self) -> Result<PathBuf, Error> {
        match self.0 {}
    }

    /// Lets others ring.
    pub fn publish(&mut self) -> Result<(), Error> {
        match self.0 {}
    }

    /// Whether other processes still find it.
    pub fn is_up(&self) -> Result<bool, Error> {
        match self.0 {}
    }
}
