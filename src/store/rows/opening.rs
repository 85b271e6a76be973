//! What a program that opens a database finds there and adds to it: names, what it says of them, and what they start with.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::compacting::switch_off;
use super::features::{read, read_notes, read_retired, replace, revive, to_row, write_notes};
use super::ledger::{Draft, Ledger};
use super::pages::NO_PAGE;
use super::revision::{self, Kind, Revision};
use crate::bits::Bits;
use crate::declaration::{self, Declaration, Notes};
use crate::error::Error;
use crate::feature_table::{DEFAULT_FEATURES, FeatureTable};
use crate::page::{Parts, Units};
use crate::store::sqlite::connection::Access;
use crate::store::sqlite::errors::{Fault, commit};
use crate::store::sqlite::file_methods;

/// How a program opens a database.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    /// The environment it reads and writes.
    pub environment: String,
    /// The features that it lists; without a list, the table is used as it is.
    pub features: Option<Vec<String>>,
    /// What it says of some of them.
    pub declarations: Vec<Declaration>,
    /// The actor of the revision that seeds them.
    pub actor: String,
    /// Whether nobody else in this process has the database open.
    pub is_alone: bool,
}

/// What a program finds that has opened a database.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The environment's last persisted revision.
    pub revision: Option<Revision>,
    /// Whether that was written now, to seed features.
    pub is_seeded: bool,
    /// Whether nothing was ever persisted but what features start with.
    pub is_untouched: bool,
    /// The feature table, with the names that were listed and found a bit.
    pub table: FeatureTable,
}

/// Registers the names that have no bit yet, with what there is to say of them and what they start with, and finds the
/// environment's last persisted revision.
pub fn attach(
    connection: &mut Connection,
    path: &Path,
    access: Access,
    opening: &Opening,
) -> Result<Opened, Fault> {
    let Opening {
        environment,
        features,
        declarations,
        actor,
        is_alone,
    } = opening;
    let is_alone = *is_alone;
    let features = features.as_deref();
    // A look first: usually all names are there, and then this works while another process is writing.
    let transaction = connection.transaction()?;
    let known = read(&transaction)?;
    let mut table = known.clone();
    let added = register(&mut table, features)?;
    let may_write = access == Access::ReadWrite;
    let may_reuse = is_alone && !free_for(&table, features).is_empty();
    let is_there = added.is_empty()
        && listed(&table, features).all(|bit| !known.retired().has(bit))
        && !may_reuse
        && undeclared(&transaction, environment, &table, declarations)?.is_empty()
        && new_notes(&transaction, &table, declarations)?.is_empty();
    if !may_write && !added.is_empty() && features.is_some() {
        let path = path.to_path_buf();
        return Err(Error::ReadOnly { path }.into());
    }
    if is_there || !may_write {
        return finish(&transaction, environment, false, known);
    }
    transaction.finish()?;

    if may_reuse {
        // Until it is committed: who opens the database before that would have the old names.
        let reused =
            file_methods::alone(connection, |connection| reuse(connection, features, actor));
        // If another program has it open, names stay without a bit.
        reused.transpose()?;
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut table = read(&transaction)?;
    let known = table.names().len();
    register(&mut table, features)?;
    for (bit, name) in table.names().iter().enumerate().skip(known) {
        transaction.execute(
            "INSERT INTO feature (bit, name) VALUES (?1, ?2)",
            params![to_row(bit), name],
        )?;
    }
    let listed: Bits = listed(&table, features).collect();
    revive(&transaction, listed & table.retired())?;
    let table = read(&transaction)?;
    for (bit, notes) in new_notes(&transaction, &table, declarations)? {
        write_notes(&transaction, bit, notes)?;
    }
    let newly_declared = undeclared(&transaction, environment, &table, declarations)?;
    for bit in newly_declared.iter() {
        transaction.execute(
            "INSERT INTO declared (environment, feature) VALUES (?1, ?2)",
            params![environment, to_row(bit)],
        )?;
    }
    let is_seeded = seed(
        &transaction,
        environment,
        declarations,
        newly_declared,
        actor,
    )?;
    let opened = finish(&transaction, environment, is_seeded, table)?;
    commit(transaction)?;
    Ok(opened)
}

/// The bits of the names that a program lists.
fn listed<'t>(
    table: &'t FeatureTable,
    features: Option<&'t [String]>,
) -> impl Iterator<Item = usize> + 't {
    let names = features.into_iter().flatten();
    names.filter_map(|name| table.bit(name))
}

/// The names of its list for which no bit was left.
fn without_bit<'n>(table: &FeatureTable, features: Option<&'n [String]>) -> Vec<&'n str> {
    let names = features.into_iter().flatten().map(String::as_str);
    names.filter(|name| table.bit(name).is_none()).collect()
}

/// The bits of retired names that may be given to names without one: those that are not listed themselves.
fn free_for(table: &FeatureTable, features: Option<&[String]>) -> Bits {
    if without_bit(table, features).is_empty() {
        return Bits::NONE;
    }
    let listed: Bits = listed(table, features).collect();
    table.retired() & !listed
}

/// Gives the bits of retired names to others, those that were retired first. No other program has the database open, so none has a
/// table in which they mean what they did.
///
/// What is in effect of them is switched off and rolled out to everyone before, under their old names. Earlier revisions mean the
/// old names for good.
fn reuse(
    connection: &mut Connection,
    features: Option<&[String]>,
    actor: &str,
) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut table = read(&transaction)?;
    register(&mut table, features)?;
    let free = free_for(&table, features);
    let mut retired = read_retired(&transaction)?;
    retired.retain(|retired| free.has(retired.bit));
    let pairs: Vec<_> = retired.iter().zip(without_bit(&table, features)).collect();
    let bits: Bits = pairs.iter().map(|(old, _)| old.bit).collect();
    if bits.is_empty() {
        return Ok(());
    }
    switch_off(&transaction, bits, "bits of retired features freed", actor)?;
    let epoch = table.epoch().saturating_add(1);
    for (old, name) in pairs {
        replace(&transaction, old, name, epoch)?;
    }
    commit(transaction)
}

fn finish(
    connection: &Connection,
    environment: &str,
    is_seeded: bool,
    table: FeatureTable,
) -> Result<Opened, Fault> {
    let revision = revision::effective(connection, environment)?;
    let is_seed = revision
        .as_ref()
        .is_some_and(|revision| revision.page_id == NO_PAGE);
    let is_untouched = is_seed
        && connection
            .prepare_cached(
                "SELECT NOT EXISTS (SELECT * FROM revision \
                 WHERE environment = (SELECT id FROM environment WHERE name = ?1) AND page_id <> ?2)",
            )?
            .query_row(params![environment, NO_PAGE.cast_signed()], |row| row.get(0))?;
    Ok(Opened {
        revision,
        is_seeded,
        is_untouched,
        table,
    })
}

/// Commits what the features with these bits start with. Returns whether that is anything.
fn seed(
    transaction: &Transaction<'_>,
    environment: &str,
    declarations: &[Declaration],
    bits: Bits,
    actor: &str,
) -> Result<bool, Fault> {
    if bits.is_empty() {
        return Ok(false);
    }
    let mut not_kept = None;
    let mut ledger = Ledger::begin(transaction, &mut not_kept)?;
    let state = ledger.state_in_effect(environment)?;
    // The history is searched for those alone that start with something.
    let bits = Units::from(declaration::seeds(declarations, ledger.table(), bits, &state).parts())
        .features();
    let bits = bits & !decided(transaction, environment, bits)?;
    let edits = declaration::seeds(declarations, ledger.table(), bits, &state);
    let parts = edits.parts();
    if parts == Parts::default() {
        return Ok(false);
    }
    let parent = ledger.effective(environment)?;
    ledger.append(&Draft {
        environment,
        kind: Kind::Commit,
        state: edits.apply_to(state),
        delta: Some(parts.into()),
        page_id: NO_PAGE,
        ticket: 0,
        reason: "declared",
        actor,
        parent,
        restored_from: None,
    })?;
    ledger.finish()?;
    Ok(true)
}

/// The bits of declared features that no program has declared in this environment before.
fn undeclared(
    connection: &Connection,
    environment: &str,
    table: &FeatureTable,
    declarations: &[Declaration],
) -> rusqlite::Result<Bits> {
    let wanted: Bits = declarations
        .iter()
        .filter_map(|declaration| table.bit(&declaration.name))
        .collect();
    if wanted.is_empty() {
        return Ok(wanted);
    }
    let mut statement =
        connection.prepare_cached("SELECT feature FROM declared WHERE environment = ?1")?;
    let rows = statement.query_map([environment], |row| row.get::<_, u32>(0))?;
    let declared: Bits = rows
        .map(|bit| bit.map(|bit| bit as usize))
        .collect::<rusqlite::Result<_>>()?;
    Ok(wanted & !declared)
}

/// Which of these features the history has changes of: somebody has decided about them, even if they are off again.
fn decided(connection: &Connection, environment: &str, bits: Bits) -> rusqlite::Result<Bits> {
    let mut statement = connection.prepare_cached(
        "SELECT delta FROM revision \
         WHERE environment = (SELECT id FROM environment WHERE name = ?1) AND delta IS NOT NULL",
    )?;
    let mut rows = statement.query([environment])?;
    let mut found = Bits::NONE;
    while found != bits {
        let Some(row) = rows.next()? else {
            break;
        };
        let delta = revision::decode_delta(row.get_ref(0)?.as_blob()?)?;
        found = found | delta.features() & bits;
    }
    Ok(found)
}

/// The notes that are different in the database, with their bits. What a program says nothing of stays.
fn new_notes<'d>(
    connection: &Connection,
    table: &FeatureTable,
    declarations: &'d [Declaration],
) -> rusqlite::Result<Vec<(usize, &'d Notes)>> {
    let mut different = Vec::new();
    for Declaration { name, notes, .. } in declarations {
        if let Some(bit) = table.bit(name)
            && !notes.is_empty()
            && read_notes(connection, bit)? != *notes
        {
            different.push((bit, notes));
        }
    }
    Ok(different)
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
