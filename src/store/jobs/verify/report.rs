//! What a check found.

use crate::store::rows::digest::DIGEST_SIZE;

/// What a check of the history found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// How many revisions were checked, of all environments.
    pub revisions: u64,
    /// Every environment of the file, in the order of their first revisions.
    pub environments: Vec<VerifiedEnvironment>,
    /// Everything that is wrong, in the order of finding: each revision, then what the environments say, then the file.
    pub breaches: Vec<Breach>,
}

impl Verification {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        self.breaches.is_empty()
    }
}

/// The chain of one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedEnvironment {
    /// Its name.
    pub name: String,
    /// How many revisions it has.
    pub revisions: u64,
    /// How many more it had, before they were pruned.
    pub pruned: u64,
    /// The digest at the end of its chain.
    pub head: [u8; DIGEST_SIZE],
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The revision, unless it concerns none or the file as a whole.
    pub revision: Option<i64>,
    /// Its environment, if it is known.
    pub environment: Option<String>,
    /// What is wrong, for people to read.
    pub problem: String,
}
