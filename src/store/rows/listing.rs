//! Revisions as callers ask for them: in order, with what came before, and with a reason when one is gone.

use rusqlite::{Connection, params};

use super::anchor;
use super::revision::{COLUMNS, Entry, Revision, environment_id, find, read};
use crate::error::Error;
use crate::page::State;
use crate::store::sqlite::errors::Fault;

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
    // One row more than asked for: it is what came before the oldest.
    let rows = statement.query_map(
        params![
            environment_id,
            before.unwrap_or(i64::MAX),
            i64::from(limit) + 1
        ],
        |row| read(row, environment),
    )?;
    let mut entries: Vec<Entry> = Vec::new();
    for row in rows {
        let revision = row?;
        if let Some(newer) = entries.last_mut() {
            newer.previous = Some(revision.state);
        }
        entries.push(Entry {
            revision,
            previous: None,
        });
    }
    let reaches_the_oldest = entries.len() <= limit as usize;
    entries.truncate(limit as usize);
    if reaches_the_oldest && let Some(oldest) = entries.last_mut() {
        oldest.previous = state_before(connection, environment)?;
    }
    Ok(entries)
}

/// The state before the oldest revision: what the last one had that was removed.
fn state_before(connection: &Connection, environment: &str) -> rusqlite::Result<Option<State>> {
    let newest = anchor::newest(connection, environment)?;
    newest.map(|anchor| anchor.state()).transpose()
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

/// The revision with the state of the one before it.
pub fn with_previous(connection: &Connection, revision: Revision) -> rusqlite::Result<Entry> {
    let before = list(connection, &revision.environment, 1, Some(revision.id))?;
    let previous = match before.first() {
        Some(entry) => Some(entry.revision.state),
        None => state_before(connection, &revision.environment)?,
    };
    Ok(Entry { revision, previous })
}
