//! What must hold of a revision by itself.

use rusqlite::{OptionalExtension, Statement};

use crate::record::Record;
use crate::store::rows::digest::Fields;

/// What must hold of a state that was persisted. The feature table is covered by no digest, but every record has its
/// hash.
pub fn check_record(fields: &Fields<'_>, mask: u32, hashes: &[u32], problems: &mut Vec<String>) {
    let Ok(record) = Record::decode(fields.record) else {
        let length = fields.record.len();
        problems.push(format!("its record has {length} bytes instead of 13"));
        return;
    };
    let known = fields.known;
    let names = known.count_ones() as usize;
    if known & !mask != 0 || known.trailing_ones() as usize != names {
        problems.push(format!(
            "it knows features 0x{known:08x}, which the file does not have"
        ));
    } else if hashes.get(names) != Some(&record.registry_hash) {
        problems.push(format!(
            "the first {names} names of the feature table are not those it was made with"
        ));
    }
    let invalid = record.problems(known);
    problems.extend(
        invalid
            .iter()
            .map(|problem| format!("its state: {problem}")),
    );
}

/// Up to where revisions were removed, which others may point to: of the own environment, and of any.
#[derive(Clone, Copy)]
pub struct Removed {
    pub here: i64,
    pub anywhere: i64,
}

/// Where a revision points to: older revisions that exist, or did.
pub fn check_links(
    fields: &Fields<'_>,
    environment: i64,
    before: Option<i64>,
    removed: Removed,
    lookup: &mut Statement<'_>,
    problems: &mut Vec<String>,
) -> rusqlite::Result<()> {
    let mut home = |id: i64| -> rusqlite::Result<Option<i64>> {
        lookup.query_row([id], |row| row.get(0)).optional()
    };
    // Nearly always the one before.
    if let Some(parent) = fields.parent
        && before != Some(parent)
        && parent > removed.here
        && (parent >= fields.id || home(parent)? != Some(environment))
    {
        problems.push(format!(
            "its parent, revision {parent}, is no earlier one of this environment"
        ));
    }
    if let Some(origin) = fields.restored_from
        && origin > removed.anywhere
        && (origin >= fields.id || home(origin)?.is_none())
    {
        problems.push(format!(
            "the revision it restores, {origin}, is no earlier one"
        ));
    }
    Ok(())
}
