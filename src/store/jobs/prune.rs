//! Removing the oldest revisions of an environment.

use rusqlite::{Connection, OptionalExtension};

use crate::clock::unix_time;
use crate::error::Error;
use crate::page::Page;
use crate::store::kept::Kept;
use crate::store::reply::{Answer, Progress};
use crate::store::rows::anchor::{self, Anchor};
use crate::store::rows::chain::Chain;
use crate::store::rows::columns::Columns;
use crate::store::rows::digest::{DIGEST_SIZE, NO_DIGEST};
use crate::store::rows::features;
use crate::store::sqlite::errors::Fault;
use crate::store::worker::Worker;

/// How many revisions a transaction removes: what is persisted meanwhile waits for it.
const SLICE: u32 = 5_000;

/// Which revisions are to go.
#[derive(Debug)]
pub struct Prune {
    /// The environment.
    pub environment: String,
    /// The caller's page, which takes over what others have persisted first: it could not any more afterwards.
    pub page: Page,
    /// How many of the newest revisions stay, at least 1. The one in effect and the one that the default rollback goes
    /// to stay in any case, with all after them.
    pub keep: u32,
    /// The actor.
    pub actor: String,
}

/// What is left after a removal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// How many revisions are left in the environment.
    pub kept: u64,
    /// The oldest of them.
    pub oldest: Option<i64>,
    /// The digest at the end of the chain.
    pub head: [u8; DIGEST_SIZE],
    /// Bytes of the file that are free for what is written next. It does not get smaller.
    pub free_bytes: u64,
}

impl Worker {
    /// Removes the next revisions that have to go, in a transaction of its own.
    pub fn prune(&mut self, job: &Prune) -> Result<Answer<Progress<Pruned>>, Error> {
        self.catch_up(&job.environment, &job.page, None);
        for Kept {
            environment, page, ..
        } in self.kept.clone()
        {
            if environment == job.environment && !page.is(&job.page) {
                self.catch_up(&environment, &page, None);
            }
        }
        self.write(|transaction, _| {
            let table = features::read(transaction)?;
            let value = remove(transaction, job)?;
            Ok((Answer { value, table }, None))
        })
    }
}

fn remove(connection: &Connection, job: &Prune) -> Result<Progress<Pruned>, Fault> {
    let mut chain = Chain::read(connection, Some(&job.environment))?.pop();
    let mut progress = Progress {
        done: 0,
        total: 0,
        outcome: None,
    };
    if let Some(chain) = &mut chain {
        let first = first_to_keep(connection, chain, job.keep)?;
        if let Some(last) = pass(connection, chain, first)? {
            progress.done = last.count;
            append_anchor(connection, chain, last, &job.actor)?;
        }
        let left: i64 = connection.query_row(
            "SELECT count(*) FROM revision WHERE environment = ?1 AND id < ?2",
            [chain.id, first],
            |row| row.get(0),
        )?;
        progress.total = progress.done + left.unsigned_abs();
    }
    if progress.done == progress.total {
        progress.outcome = Some(conclude(connection, chain.as_ref())?);
    }
    Ok(progress)
}

/// The oldest revision that has to stay.
fn first_to_keep(connection: &Connection, chain: &Chain, keep: u32) -> rusqlite::Result<i64> {
    let offset = keep.saturating_sub(1);
    let newest: Option<i64> = connection
        .query_row(
            "SELECT id FROM revision WHERE environment = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2",
            [chain.id, i64::from(offset)],
            |row| row.get(0),
        )
        .optional()?;
    let Some(newest) = newest else {
        return Ok(0);
    };
    let effective = chain.said.effective;
    let parent: Option<i64> = connection
        .query_row(
            "SELECT parent FROM revision WHERE id = ?1",
            [effective],
            |row| row.get(0),
        )
        .optional()?
        .flatten();
    // A parent that is gone already keeps nothing.
    let parent = parent.filter(|parent| *parent > chain.found.last);
    Ok(newest.min(effective).min(parent.unwrap_or(effective)))
}

/// What goes.
struct Last {
    /// How many revisions.
    count: u64,
    /// The state in effect after them.
    record: Vec<u8>,
    rollouts: Option<Vec<u8>>,
    epoch: u32,
}

/// Walks over the revisions that go, and checks them once more: what is removed can never be checked again.
fn pass(connection: &Connection, chain: &mut Chain, first: i64) -> Result<Option<Last>, Fault> {
    let broken = |revision: i64, environment: &str, problem: String| Error::HistoryBroken {
        revision,
        environment: environment.to_owned(),
        problem,
    };
    let mut scratch = Vec::new();
    let mut statement = connection.prepare(&Columns::select(
        "WHERE environment = ?1 AND id < ?2 ORDER BY id LIMIT ?3",
    ))?;
    let mut rows = statement.query([chain.id, first, i64::from(SLICE)])?;
    let before = anchor::newest(connection, &chain.name)?;
    let mut in_effect = before.map(|anchor| (anchor.record, anchor.rollouts, anchor.epoch));
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let columns = Columns::read(row)?;
        pass_anchors(chain, columns.id)?;
        let fields = columns
            .fields(chain.name.as_bytes())
            .map_err(|problem| broken(columns.id, &chain.name, problem))?;
        let digest = fields.digest_after(&chain.found.digest, &mut scratch);
        if columns.digest() != Some(digest) {
            return Err(broken(columns.id, &chain.name, chain.found.mismatch()).into());
        }
        let takes_effect = fields.delta.is_some();
        chain.pass(columns.id, takes_effect, Some(digest));
        count += 1;
        if takes_effect {
            in_effect = Some((row.get("record")?, row.get("rollouts")?, row.get("epoch")?));
        }
    }
    pass_anchors(chain, chain.found.last.saturating_add(1))?;
    Ok(in_effect
        .filter(|_| count > 0)
        .map(|(record, rollouts, epoch)| Last {
            count,
            record,
            rollouts,
            epoch,
        }))
}

fn pass_anchors(chain: &mut Chain, before: i64) -> Result<(), Error> {
    while let Some((anchor, fits)) = chain.pass_anchor(before) {
        if !fits {
            return Err(Error::HistoryBroken {
                revision: anchor.after,
                environment: chain.name.clone(),
                problem: anchor.mismatch(),
            });
        }
    }
    Ok(())
}

/// Removes what the chain has passed, and signs for it.
fn append_anchor(
    connection: &Connection,
    chain: &mut Chain,
    last: Last,
    actor: &str,
) -> Result<(), Fault> {
    let mut anchor = Anchor {
        after: chain.said.last,
        removed: chain.found.revisions,
        last: chain.found.last,
        start: chain.found.digest,
        record: last.record,
        rollouts: last.rollouts,
        epoch: last.epoch,
        effective: chain.found.effective,
        actor: actor.to_owned(),
        created_at: unix_time(),
        digest: NO_DIGEST,
    };
    anchor.digest = anchor.digest_after(&chain.said.digest, &chain.name);
    chain.said.digest = anchor.digest;
    connection.execute(
        "DELETE FROM revision WHERE environment = ?1 AND id <= ?2",
        [chain.id, anchor.last],
    )?;
    anchor::replace(connection, chain.id, &anchor)?;
    connection.execute(
        "UPDATE environment SET digest = ?2 WHERE id = ?1",
        rusqlite::params![chain.id, anchor.digest],
    )?;
    Ok(())
}

fn conclude(connection: &Connection, chain: Option<&Chain>) -> rusqlite::Result<Pruned> {
    let number = |pragma| -> rusqlite::Result<i64> {
        connection.pragma_query_value(None, pragma, |row| row.get(0))
    };
    let free_bytes = number("freelist_count")?.saturating_mul(number("page_size")?);
    let oldest = chain.map_or(Ok(None), |chain| {
        connection.query_row(
            "SELECT min(id) FROM revision WHERE environment = ?1",
            [chain.id],
            |row| row.get(0),
        )
    })?;
    let kept = chain.map_or(0, |chain| {
        chain.said.revisions.saturating_sub(chain.found.revisions)
    });
    Ok(Pruned {
        kept: kept.unsigned_abs(),
        oldest,
        head: chain.map_or(NO_DIGEST, |chain| chain.said.digest),
        free_bytes: free_bytes.unsigned_abs(),
    })
}
