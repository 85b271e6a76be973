//! Forgetting retired names, so that their bits are free for the next names, whoever registers them.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::features::{forget_said, read, remember, to_row};
use super::ledger::{Draft, Ledger};
use super::pages::NO_PAGE;
use super::revision::Kind;
use crate::bits::Bits;
use crate::feature_table::FeatureTable;
use crate::page::{FULL_ROLLOUT, State, Units};
use crate::store::sqlite::errors::{Fault, commit};

/// What a compaction did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// The names that were forgotten, by bit.
    pub forgotten: Vec<String>,
    /// The table now.
    pub table: FeatureTable,
}

/// Where a name goes: from its bit to one that becomes free.
type Move = (usize, usize);

/// Forgets the retired names: the last names get the bits of those that go, in a new epoch. The caller has the database alone.
///
/// What is in effect of the forgotten ones is switched off and rolled out to everyone before, under their names. Then each
/// environment gets a revision with the same state by the new bits.
pub fn compact(connection: &mut Connection, actor: &str) -> Result<Compacted, Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let table = read(&transaction)?;
    let retired = table.retired();
    if retired.is_empty() {
        let forgotten = Vec::new();
        return Ok(Compacted { forgotten, table });
    }
    switch_off(&transaction, retired, "retired features forgotten", actor)?;
    let moves = moves(&table);
    move_names(&transaction, &table, &moves)?;
    append_to_all(&transaction, "names moved to other bits", actor, |before| {
        let mut state = *before;
        for (from, to) in &moves {
            state = moved(state, *from, *to);
        }
        let touched = moves.iter().map(|(_, to)| *to);
        (state, touched.collect())
    })?;
    let forgotten = retired
        .iter()
        .filter_map(|bit| table.names().get(bit).cloned());
    let compacted = Compacted {
        forgotten: forgotten.collect(),
        table: read(&transaction)?,
    };
    commit(transaction)?;
    Ok(compacted)
}

/// The last names that stay, each with a bit below them that becomes free.
fn moves(table: &FeatureTable) -> Vec<Move> {
    let count = table.names().len();
    let stays = |bit: &usize| !table.retired().has(*bit);
    let left = (0..count).filter(stays).count();
    let free = (0..left).filter(|bit| !stays(bit));
    (left..count).filter(stays).zip(free).collect()
}

/// A state with the switch and the rollout of a feature at another bit.
fn moved(mut state: State, from: usize, to: usize) -> State {
    if state.flags.has(from) {
        state.flags = (state.flags | Bits::only(to)) & !Bits::only(from);
    }
    let rollout = state.rollouts.get(from).copied().unwrap_or(FULL_ROLLOUT);
    for (bit, rollout) in [(to, rollout), (from, FULL_ROLLOUT)] {
        if let Some(place) = state.rollouts.get_mut(bit) {
            *place = rollout;
        }
    }
    state
}

/// Changes the tables, in a new epoch.
fn move_names(
    transaction: &Transaction<'_>,
    table: &FeatureTable,
    moves: &[Move],
) -> rusqlite::Result<()> {
    // What refers to a moved name is moved after it.
    transaction.execute_batch("PRAGMA defer_foreign_keys = ON")?;
    let epoch = table.epoch().saturating_add(1);
    let changing = table.retired() | moves.iter().map(|(from, _)| *from).collect();
    for bit in changing.iter() {
        if let Some(name) = table.names().get(bit) {
            remember(transaction, bit, name, epoch)?;
        }
    }
    for bit in table.retired().iter() {
        forget_said(transaction, bit)?;
        transaction.execute("DELETE FROM feature WHERE bit = ?1", [to_row(bit)])?;
    }
    for (from, to) in moves {
        let pair = [to_row(*from), to_row(*to)];
        transaction.execute(
            "UPDATE feature SET bit = ?2, changes = changes + 1 WHERE bit = ?1",
            pair,
        )?;
        transaction.execute("UPDATE note SET feature = ?2 WHERE feature = ?1", pair)?;
        transaction.execute("UPDATE declared SET feature = ?2 WHERE feature = ?1", pair)?;
    }
    Ok(())
}

/// Switches features off and rolls them out to everyone, in each environment where they are not.
pub fn switch_off(
    transaction: &Transaction<'_>,
    bits: Bits,
    reason: &str,
    actor: &str,
) -> Result<(), Fault> {
    append_to_all(transaction, reason, actor, |before| {
        let mut state = *before;
        state.set(Units::of_features(bits), &State::EMPTY);
        (state, bits)
    })
}

/// Appends a commit to each environment whose state in effect it changes.
fn append_to_all(
    transaction: &Transaction<'_>,
    reason: &str,
    actor: &str,
    change: impl Fn(&State) -> (State, Bits),
) -> Result<(), Fault> {
    let environments = transaction
        .prepare("SELECT name FROM environment ORDER BY id")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<String>>>()?;
    let mut not_kept = None;
    let mut ledger = Ledger::begin(transaction, &mut not_kept)?;
    for environment in &environments {
        let before = ledger.state_in_effect(environment)?;
        let (state, bits) = change(&before);
        if state.differences(&before).is_empty() {
            continue;
        }
        let parent = ledger.effective(environment)?;
        ledger.append(&Draft {
            environment,
            kind: Kind::Commit,
            state,
            delta: Some(Units::of_features(bits)),
            page_id: NO_PAGE,
            ticket: 0,
            reason,
            actor,
            parent,
            restored_from: None,
        })?;
    }
    Ok(ledger.finish()?)
}
