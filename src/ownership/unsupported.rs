//! Where files have no owners that this crate knows of.

use std::convert::Infallible;
use std::fs::File;
use std::io;
use std::path::Path;

/// Never constructed: the platform has no owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner(Infallible);

impl Owner {
    /// `None`.
    #[must_use]
    pub const fn of_path(_path: &Path) -> Option<Self> {
        None
    }

    /// Never called.
    #[must_use]
    pub const fn lets_everyone_write(self) -> bool {
        match self.0 {}
    }

    /// Never called.
    #[must_use]
    pub const fn serves(self, _other: Self) -> bool {
        match self.0 {}
    }

    /// Never called.
    #[must_use]
    pub const fn described(self) -> String {
        match self.0 {}
    }

    /// Never called.
    #[must_use]
    pub const fn advice(self, _file: &Path) -> String {
        match self.0 {}
    }

    /// Never called.
    #[must_use]
    pub const fn advice_to_run(self) -> String {
        match self.0 {}
    }

    /// Never called.
    #[must_use]
    pub const fn advice_to_use(self, _file: &Path) -> String {
        match self.0 {}
    }

    /// Never called.
    #[must_use]
    pub const fn makes_nothing_for_others(self) -> Option<String> {
        match self.0 {}
    }
}

/// Does nothing.
pub fn adopt(_file: &File, _like: Owner) -> io::Result<()> {
    Ok(())
}

/// Not known: creating a file says so.
#[must_use]
pub const fn may_create_in(_directory: &Path) -> bool {
    true
}

/// `None`.
#[must_use]
pub const fn obstacle(_path: &Path) -> Option<String> {
    None
}
