//! Revisions as callers ask for them: in order, with what came before, and with a reason when one is gone.

use rusqlite::{Connection, OptionalExtension, params};

use super::anchor;
use super::revision::{COLUMNS, Entry, Revision, environment_id, find, read};
use crate::error::Error;
use crate::page::State;
use crate::store::sqlite::errors::Fault;

/// The names of the environments that have a history.
pub fn environments(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut names = connection.prepare("SELECT name FROM environment ORDER BY name")?;
    names.query_map([], |row| row.get(0))?.collect()
}

/// The revisions with a lower number than `before`, newest first.
pub fn list(
    connection: &Connection,
    environment: &str,
    limit: u32,
    before: Option<i64>,
) -> rusqlite::Result<Vec<Entry>> {
    let Some(environment_id) = environment_id(connection, environment)? else {
        return Ok(Vec::new());
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM revision WHERE environment = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3"
    ))?;
    // One row more than asked for: it is nearly always what came before the oldest.
    let rows = statement.query_map(
        params![
            environment_id,
            before.unwrap_or(i64::MAX),
            i64::from(limit) + 1
        ],
        |row| read(row, environment),
    )?;
    let revisions: Vec<Revision> = rows.collect::<rusqlite::Result<_>>()?;
    let mut entries = Vec::with_capacity(revisions.len());
    for (place, revision) in revisions.iter().enumerate().take(limit as usize) {
        let older = revisions.iter().skip(place + 1);
        let previous = match older.clone().find(|older| older.delta.is_some()) {
            Some(older) => Some((older.state, older.epoch)),
            None => state_before(connection, environment, environment_id, revision.id)?,
        };
        entries.push(entry(revision.clone(), previous.as_ref()));
    }
    Ok(entries)
}

/// The state that was in effect before a revision, and its epoch: nearly always that of the one before it, or what the last one had that
/// was removed.
fn state_before(
    connection: &Connection,
    environment: &str,
    environment_id: i64,
    id: i64,
) -> rusqlite::Result<Option<(State, u32)>> {
    let found = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM revision WHERE environment = ?1 AND id < ?2 AND delta IS NOT NULL \
             ORDER BY id DESC LIMIT 1"
        ))?
        .query_row([environment_id, id], |row| read(row, environment))
        .optional()?;
    if let Some(found) = found {
        return Ok(Some((found.state, found.epoch)));
    }
    let newest = anchor::newest(connection, environment)?;
    newest
        .map(|anchor| Ok((anchor.state()?, anchor.epoch)))
        .transpose()
}

/// Finds a revision by number, or says why it does not exist.
pub fn require(connection: &Connection, environment: &str, id: i64) -> Result<Revision, Fault> {
    if let Some(revision) = find(connection, environment, id)? {
        return Ok(revision);
    }
    let environment = environment.to_owned();
    Err(match anchor::newest(connection, &environment)? {
        Some(anchor) if id <= anchor.last => Error::RevisionPruned {
            revision: id,
            environment,
            until: anchor.last,
        },
        _ => Error::RevisionNotFound {
            revision: id,
            environment,
        },
    }
    .into())
}

/// The revision with the state that was in effect before it.
pub fn with_previous(connection: &Connection, revision: Revision) -> rusqlite::Result<Entry> {
    let environment = environment_id(connection, &revision.environment)?;
    let previous = environment
        .map(|id| state_before(connection, &revision.environment, id, revision.id))
        .transpose()?
        .flatten();
    Ok(entry(revision, previous.as_ref()))
}

fn entry(revision: Revision, previous: Option<&(State, u32)>) -> Entry {
    let epoch = revision.epoch;
    Entry {
        revision,
        previous: previous.map(|(state, _)| *state),
        previous_epoch: previous.map_or(epoch, |(_, epoch)| *epoch),
    }
}

/// The state of a revision that a page contains, or `None` if it was pruned. With it, all are there that came after it.
/// Before the first revision, nothing is in effect.
pub fn base(
    connection: &Connection,
    environment: &str,
    id: i64,
) -> rusqlite::Result<Option<State>> {
    if id != 0 {
        return Ok(find(connection, environment, id)?.map(|found| found.state));
    }
    let pruned = anchor::newest(connection, environment)?;
    Ok(pruned.is_none().then_some(State::EMPTY))
}
