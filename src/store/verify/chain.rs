//! The chain of one environment: what its row says, and what its revisions say.

use rusqlite::Connection;

use crate::store::ledger::Effective;
use crate::store::revision::{DIGEST_SIZE, NO_DIGEST};

/// An environment as its row says, and as the revisions so far say.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) said: Head,
    pub(super) found: Head,
    pub(super) effective: Option<Effective>,
}

#[derive(Debug)]
pub(super) struct Head {
    pub(super) revisions: i64,
    pub(super) last: i64,
    pub(super) effective: i64,
    pub(super) digest: [u8; DIGEST_SIZE],
}

impl Head {
    /// Goes on behind a revision, with the digest that the next one was chained to. One that cannot be right leaves
    /// the digest as it is, and the next revision will not fit.
    pub(super) fn skip(&mut self, id: i64, digest: Option<[u8; DIGEST_SIZE]>) {
        self.revisions += 1;
        self.last = id;
        if let Some(digest) = digest {
            self.digest = digest;
        }
    }

    pub(super) fn mismatch(&self) -> String {
        if self.revisions == 0 {
            "its digest does not fit: it was edited, or a revision before it was removed or moved"
                .to_owned()
        } else {
            let last = self.last;
            format!(
                "its digest does not fit: it was edited, or a revision between {last} and it was removed or moved"
            )
        }
    }
}

/// Every environment, by number.
pub(super) fn read_chains(connection: &Connection) -> rusqlite::Result<Vec<Chain>> {
    connection
        .prepare(
            "SELECT name, revisions, last, effective, digest, id FROM environment ORDER BY id",
        )?
        .query_map([], |row| {
            Ok(Chain {
                id: row.get(5)?,
                name: row.get(0)?,
                said: Head {
                    revisions: row.get(1)?,
                    last: row.get(2)?,
                    effective: row.get(3)?,
                    digest: row.get(4)?,
                },
                found: Head {
                    revisions: 0,
                    last: 0,
                    effective: 0,
                    digest: NO_DIGEST,
                },
                effective: None,
            })
        })?
        .collect()
}
