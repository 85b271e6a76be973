//! What each page has written: needed to put its next revision in order.
//!
//! A page is one life of a live state, so nearly all of the table is of pages that are gone. Rows that have not changed for
//! a day are removed; a page without a row has written nothing that a revision of it could still follow.

use rusqlite::{Connection, OptionalExtension};

/// How long the row of a page stays, in milliseconds.
const KEPT_FOR: i64 = 24 * 60 * 60 * 1000;

/// The page of a revision that was written for none. Pages have other numbers.
pub const NO_PAGE: u64 = 0;

/// What a page has written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The highest ticket that was written, or passed over as equal to what is in effect; 0 for none.
    pub ticket: u64,
    /// The last revision of the page that took effect; 0 for none.
    pub revision: i64,
}

/// What this page has written.
pub fn read(connection: &Connection, page_id: u64) -> rusqlite::Result<Written> {
    let found = connection
        .prepare_cached("SELECT ticket, revision FROM page WHERE id = ?1")?
        .query_row([page_id.cast_signed()], |row| {
            let ticket: i64 = row.get(0)?;
            Ok(Written {
                ticket: ticket.cast_unsigned(),
                revision: row.get(1)?,
            })
        })
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// Keeps what a page has written at this time, in milliseconds since 1970.
pub fn write(
    connection: &Connection,
    page_id: u64,
    written: Written,
    now: i64,
) -> rusqlite::Result<()> {
    let (id, ticket) = (page_id.cast_signed(), written.ticket.cast_signed());
    let row = (id, ticket, written.revision, now);
    let updated = connection
        .prepare_cached(
            "UPDATE page SET ticket = ?2, revision = ?3, written_at = ?4 WHERE id = ?1",
        )?
        .execute(row)?;
    if updated == 0 {
        connection
            .prepare_cached("DELETE FROM page WHERE written_at < ?1")?
            .execute([now.saturating_sub(KEPT_FOR)])?;
        connection
            .prepare_cached(
                "INSERT INTO page (id, ticket, revision, written_at) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(row)?;
    }
    Ok(())
}
