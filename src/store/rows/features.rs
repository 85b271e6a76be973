//! The feature table of the file: which name owns which bit.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, params};

use crate::declaration::Notes;
use crate::feature_table::FeatureTable;
use crate::store::sqlite::errors::Fault;

/// The table as it is.
pub fn read(connection: &Connection) -> Result<FeatureTable, Fault> {
    let mut statement = connection.prepare_cached("SELECT bit, name FROM feature ORDER BY bit")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut names: Vec<String> = Vec::new();
    for row in rows {
        let (bit, name): (i64, String) = row?;
        if usize::try_from(bit) != Ok(names.len()) {
            // Names would get others' bits. The conversion error is how a row that cannot be right is reported.
            return Err(rusqlite::Error::IntegralValueOutOfRange(0, bit).into());
        }
        names.push(name);
    }
    let damage = |error| rusqlite::Error::FromSqlConversionFailure(1, Type::Text, Box::new(error));
    Ok(FeatureTable::new(names).map_err(damage)?)
}

/// What programs have said of the feature with this bit.
pub fn read_notes(connection: &Connection, bit: usize) -> rusqlite::Result<Notes> {
    let notes = connection
        .prepare_cached("SELECT description, owner, expires FROM note WHERE feature = ?1")?
        .query_row([to_row(bit)], |row| {
            Ok(Notes {
                description: row.get(0)?,
                owner: row.get(1)?,
                expires: row.get(2)?,
            })
        })
        .optional()?;
    Ok(notes.unwrap_or_default())
}

/// Replaces what was said of it.
pub fn write_notes(connection: &Connection, bit: usize, notes: &Notes) -> rusqlite::Result<()> {
    let Notes {
        description,
        owner,
        expires,
    } = notes;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO note (feature, description, owner, expires) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![to_row(bit), description, owner, expires])?;
    Ok(())
}

/// A bit as a row has it.
pub fn to_row(bit: usize) -> i64 {
    i64::try_from(bit).unwrap_or(-1)
}
