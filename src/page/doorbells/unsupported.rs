//! Platforms without live files.

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::page::Page;

const DOORBELLS: Error = Error::Unsupported {
    what: "telling other processes of changes",
};

#[derive(Debug)]
pub struct Doorbells;

impl Doorbells {
    pub fn beside(_live_file: &Path) -> Self {
        Self
    }

    pub fn clear(&self) {}

    pub fn ring(&self, _count: u32, _changed_at: u64) {}

    pub fn put_up(&self, _page: &Page) -> Result<Doorbell, Error> {
        Err(DOORBELLS)
    }
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
    pub fn publish(&self) -> Result<(), Error> {
        match self.0 {}
    }
}
