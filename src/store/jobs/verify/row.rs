//! What must hold of a revision by itself.

use rusqlite::{OptionalExtension, Statement};

use crate::bits::{BANKS, Bits, banks_for};
use crate::record::{RECORD_SIZE, Record};
use crate::store::rows::digest::Fields;

/// What must hold of a state that was persisted. The feature table is covered by no digest, but every record has the hash of
/// the names of its bank. `hashes` has those of the table with the first `n` names, by `n`.
pub fn check_record(fields: &Fields<'_>, hashes: &[[u32; BANKS]], problems: &mut Vec<String>) {
    let names = usize::from(fields.names);
    let (length, expected) = (fields.record.len(), banks_for(names) * RECORD_SIZE);
    if length != expected {
        problems.push(format!(
            "its record has {length} bytes instead of {expected}"
        ));
        return;
    }
    let (records, _) = fields.record.as_chunks::<RECORD_SIZE>();
    let records: Vec<Record> = records
        .iter()
        .filter_map(|record| Record::decode(record).ok())
        .collect();
    if let Some(hashes) = hashes.get(names) {
        let mut pairs = records.iter().zip(hashes);
        if pairs.any(|(record, hash)| record.registry_hash != *hash) {
            problems.push(format!(
                "the first {names} names of the feature table are not those it was made with"
            ));
        }
    } else {
        let there = hashes.len().saturating_sub(1);
        problems.push(format!(
            "it knows {names} features, and the file has {there}"
        ));
    }
    let banks = records.iter().zip(Bits::first(names).banks());
    for (bank, (record, known)) in banks.enumerate() {
        let invalid = record.problems(bank, known).into_iter();
        problems.extend(invalid.map(|problem| format!("its state: {problem}")));
    }
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
