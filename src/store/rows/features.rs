//! The feature table of the file: which name owns which bit.

use std::path::Path;

use rusqlite::types::Type;
use rusqlite::{Connection, TransactionBehavior, params};

use super::revision::{self, Revision};
use crate::error::Error;
use crate::feature_table::{DEFAULT_FEATURES, FeatureTable};
use crate::store::sqlite::connection::Access;
use crate::store::sqlite::errors::{Fault, commit};

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

/// Registers the names that have no bit yet, and finds the environment's last persisted revision.
pub fn attach(
    connection: &mut Connection,
    path: &Path,
    access: Access,
    environment: &str,
    features: Option<&[String]>,
) -> Result<(Option<Revision>, FeatureTable), Fault> {
    // A look first: usually all names are there, and then this works while another process is writing.
    let transaction = connection.transaction()?;
    let mut table = read(&transaction)?;
    if register(&mut table, features)?.is_empty() {
        let value = revision::effective(&transaction, environment)?;
        return Ok((value, table));
    }
    if access == Access::ReadOnly {
        if features.is_some() {
            let path = path.to_path_buf();
            return Err(Error::ReadOnly { path }.into());
        }
        return Ok((
            revision::effective(&transaction, environment)?,
            read(&transaction)?,
        ));
    }
    transaction.finish()?;

    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut table = read(&transaction)?;
    let known = table.names().len();
    register(&mut table, features)?;
    for (bit, name) in table.names().iter().enumerate().skip(known) {
        transaction.execute(
            "INSERT INTO feature (bit, name) VALUES (?1, ?2)",
            params![i64::try_from(bit).unwrap_or(-1), name],
        )?;
    }
    let value = revision::effective(&transaction, environment)?;
    commit(transaction)?;
    Ok((value, table))
}

/// Appends what is missing and returns it.
fn register<'n>(
    table: &mut FeatureTable,
    features: Option<&'n [String]>,
) -> Result<Vec<&'n str>, Error> {
    match features {
        Some(names) => table.register(names.iter().map(String::as_str)),
        None if table.names().is_empty() => table.register(DEFAULT_FEATURES),
        None => Ok(Vec::new()),
    }
}
