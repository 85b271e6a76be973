//! The feature table of the file: which name owns which bit.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, params};

use crate::bits::Bits;
use crate::clock::unix_time;
use crate::declaration::Notes;
use crate::feature_table::{FeatureTable, Former};
use crate::store::sqlite::errors::Fault;

/// The table as it is.
pub fn read(connection: &Connection) -> Result<FeatureTable, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT bit, name, changes, retired_at IS NOT NULL FROM feature ORDER BY bit",
    )?;
    let mut rows = statement.query([])?;
    let mut names: Vec<String> = Vec::new();
    let (mut retired, mut changes) = (Bits::NONE, 0_u32);
    while let Some(row) = rows.next()? {
        let bit: i64 = row.get(0)?;
        if usize::try_from(bit) != Ok(names.len()) {
            // Names would get others' bits. The conversion error is how a row that cannot be right is reported.
            return Err(rusqlite::Error::IntegralValueOutOfRange(0, bit).into());
        }
        if row.get(3)? {
            retired = retired | Bits::only(names.len());
        }
        changes = changes.saturating_add(row.get(2)?);
        names.push(row.get(1)?);
    }
    let damage = |error| rusqlite::Error::FromSqlConversionFailure(1, Type::Text, Box::new(error));
    let table = FeatureTable::new(names).map_err(damage)?;
    let former = read_former(connection)?;
    Ok(table.with_retired(retired, changes).with_former(former))
}

fn read_former(connection: &Connection) -> rusqlite::Result<Vec<Former>> {
    let mut statement = connection.prepare_cached("SELECT bit, until, name FROM former")?;
    let rows = statement.query_map([], |row| {
        Ok(Former {
            bit: row.get::<_, u8>(0)?.into(),
            until: row.get(1)?,
            name: row.get(2)?,
        })
    })?;
    rows.collect()
}

/// A retired name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retired {
    /// The name.
    pub name: String,
    /// Its bit.
    pub bit: usize,
    /// When it was retired, in milliseconds since 1970.
    pub at: i64,
}

/// The retired names, the longest retired first.
pub fn read_retired(connection: &Connection) -> rusqlite::Result<Vec<Retired>> {
    let mut statement = connection.prepare_cached(
        "SELECT name, bit, retired_at FROM feature WHERE retired_at IS NOT NULL ORDER BY retired_at, bit",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(Retired {
            name: row.get(0)?,
            bit: row.get::<_, u8>(1)?.into(),
            at: row.get(2)?,
        })
    })?;
    rows.collect()
}

/// Retires names, unless they are already. Of two, the time tells which was first, also in the same millisecond.
pub fn retire(connection: &Connection, bits: Bits) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE feature SET changes = changes + 1, \
         retired_at = max(?2, (SELECT coalesce(max(retired_at), 0) + 1 FROM feature)) \
         WHERE bit = ?1 AND retired_at IS NULL",
    )?;
    for bit in bits.iter() {
        statement.execute(params![to_row(bit), unix_time()])?;
    }
    Ok(())
}

/// Takes that back.
pub fn revive(connection: &Connection, bits: Bits) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE feature SET retired_at = NULL, changes = changes + 1 WHERE bit = ?1 AND retired_at IS NOT NULL",
    )?;
    for bit in bits.iter() {
        statement.execute([to_row(bit)])?;
    }
    Ok(())
}

/// Gives the bit of a retired name to another one, from an epoch on. What was said of the old one goes with it.
pub fn replace(
    connection: &Connection,
    old: &Retired,
    name: &str,
    epoch: u32,
) -> rusqlite::Result<()> {
    let bit = to_row(old.bit);
    remember(connection, old.bit, &old.name, epoch)?;
    connection.execute(
        "UPDATE feature SET name = ?2, retired_at = NULL, changes = changes + 1 WHERE bit = ?1",
        params![bit, name],
    )?;
    forget_said(connection, old.bit)
}

/// Keeps the name that a bit has until an epoch.
pub fn remember(
    connection: &Connection,
    bit: usize,
    name: &str,
    until: u32,
) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO former (bit, until, name) VALUES (?1, ?2, ?3)",
        params![to_row(bit), until, name],
    )?;
    Ok(())
}

/// Removes what was said of the name of a bit.
pub fn forget_said(connection: &Connection, bit: usize) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM note WHERE feature = ?1", [to_row(bit)])?;
    connection.execute("DELETE FROM declared WHERE feature = ?1", [to_row(bit)])?;
    Ok(())
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
