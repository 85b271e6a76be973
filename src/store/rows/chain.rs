//! The chain of one environment: what its row says, and what its revisions say.

use rusqlite::Connection;

use super::anchor::{self, Anchor};
use super::digest::{DIGEST_SIZE, NO_DIGEST};

/// An environment as its row says, and as the revisions so far say.
#[derive(Debug)]
pub struct Chain {
    pub id: i64,
    pub name: String,
    /// What the environment's row says.
    pub said: Head,
    /// What the revisions say, as far as they were passed.
    pub found: Head,
    /// How many revisions were removed, and the last of them; 0 for none.
    pub removed: i64,
    pub removed_until: i64,
    /// Those not passed yet, the next one last.
    anchors: Vec<Anchor>,
}

#[derive(Debug)]
pub struct Head {
    pub revisions: i64,
    pub last: i64,
    pub effective: i64,
    pub digest: [u8; DIGEST_SIZE],
}

impl Head {
    /// Goes on behind a revision, with the digest that the next one was chained to. One that cannot be right leaves
    /// the digest as it is, and the next revision will not fit.
    pub fn skip(&mut self, id: i64, digest: Option<[u8; DIGEST_SIZE]>) {
        self.revisions += 1;
        self.last = id;
        if let Some(digest) = digest {
            self.digest = digest;
        }
    }

    pub fn mismatch(&self) -> String {
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

impl Chain {
    /// The environments of the file, or only the one of this name, by number. Each chain begins behind what was
    /// removed.
    pub fn read(connection: &Connection, only: Option<&str>) -> rusqlite::Result<Vec<Self>> {
        let mut statement = connection.prepare(
            "SELECT id, name, revisions, last, effective, digest FROM environment \
             WHERE ?1 IS NULL OR name = ?1 ORDER BY id",
        )?;
        let mut rows = statement.query([only])?;
        let mut chains = Vec::new();
        while let Some(row) = rows.next()? {
            let id = row.get(0)?;
            let mut chain = Self {
                id,
                name: row.get(1)?,
                said: Head {
                    revisions: row.get(2)?,
                    last: row.get(3)?,
                    effective: row.get(4)?,
                    digest: row.get(5)?,
                },
                found: Head {
                    revisions: 0,
                    last: 0,
                    effective: 0,
                    digest: NO_DIGEST,
                },
                removed: 0,
                removed_until: 0,
                anchors: anchor::list(connection, id)?,
            };
            if let Some(newest) = chain.anchors.first() {
                (chain.removed, chain.removed_until) = (newest.removed, newest.last);
                chain.found = Head {
                    revisions: newest.removed,
                    last: newest.last,
                    effective: newest.effective,
                    digest: newest.start,
                };
            }
            chains.push(chain);
        }
        Ok(chains)
    }

    /// Passes the next anchor that comes before the revision `before`, if there is one, and returns whether its digest
    /// fits.
    pub fn pass_anchor(&mut self, before: i64) -> Option<(Anchor, bool)> {
        let anchor = self.anchors.pop_if(|anchor| anchor.after < before)?;
        let fits = anchor.digest_after(&self.found.digest, &self.name) == anchor.digest;
        self.found.digest = anchor.digest;
        Some((anchor, fits))
    }

    /// Passes a revision, with the digest that the next one was chained to.
    pub fn pass(&mut self, id: i64, takes_effect: bool, digest: Option<[u8; DIGEST_SIZE]>) {
        if takes_effect {
            self.found.effective = id;
        }
        self.found.skip(id, digest);
    }
}
