//! A row of a revision as it is found in the file, before anything is assumed of it.

use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::digest::{DIGEST_SIZE, Fields};

/// A row as it is kept, whatever that is.
pub struct Columns<'row> {
    pub id: i64,
    pub environment: i64,
    others: [ValueRef<'row>; 14],
}

impl<'row> Columns<'row> {
    /// A query for what [`Columns::read`] expects.
    pub fn select(condition: &str) -> String {
        format!(
            "SELECT id, environment, record, rollouts, names, epoch, reason, actor, created_at, parent, restored_from, \
             kind, delta, ticket, page_id, digest FROM revision {condition}"
        )
    }

    pub fn read(row: &'row Row<'_>) -> rusqlite::Result<Self> {
        let mut others = [ValueRef::Null; 14];
        for (place, value) in others.iter_mut().enumerate() {
            *value = row.get_ref(place + 2)?;
        }
        Ok(Self {
            id: row.get(0)?,
            // Anything but a number is no environment.
            environment: row.get_ref(1)?.as_i64().unwrap_or(0),
            others,
        })
    }

    pub fn digest(&self) -> Option<[u8; DIGEST_SIZE]> {
        let [.., digest] = self.others;
        digest.as_blob().ok()?.try_into().ok()
    }

    /// What the digest covers, or what keeps it from being computed.
    pub fn fields<'a>(&'a self, environment: &'a [u8]) -> Result<Fields<'a>, String> {
        let [
            record,
            rollouts,
            names,
            epoch,
            reason,
            actor,
            created_at,
            parent,
            restored_from,
            kind,
            delta,
            ticket,
            page_id,
            _,
        ] = self.others;
        Ok(Fields {
            id: self.id,
            environment,
            record: record.as_blob().map_err(|_| wrong("record"))?,
            rollouts: optional_blob(rollouts, "rollouts")?,
            names: u16::try_from(integer(names, "names")?).map_err(|_| wrong("names"))?,
            epoch: u32::try_from(integer(epoch, "epoch")?).map_err(|_| wrong("epoch"))?,
            reason: text(reason, "reason")?,
            actor: text(actor, "actor")?,
            created_at: integer(created_at, "created_at")?,
            parent: optional(parent, "parent")?,
            restored_from: optional(restored_from, "restored_from")?,
            kind: u8::try_from(integer(kind, "kind")?).map_err(|_| wrong("kind"))?,
            delta: optional_blob(delta, "delta")?,
            ticket: integer(ticket, "ticket")?.cast_unsigned(),
            page_id: integer(page_id, "page_id")?.cast_unsigned(),
        })
    }
}

fn wrong(column: &str) -> String {
    format!("its column {column} has a value of the wrong type")
}

fn integer(value: ValueRef<'_>, column: &str) -> Result<i64, String> {
    value.as_i64().map_err(|_| wrong(column))
}

fn optional_blob<'a>(value: ValueRef<'a>, column: &str) -> Result<Option<&'a [u8]>, String> {
    value.as_blob_or_null().map_err(|_| wrong(column))
}

fn optional(value: ValueRef<'_>, column: &str) -> Result<Option<i64>, String> {
    match value {
        ValueRef::Null => Ok(None),
        value => integer(value, column).map(Some),
    }
}

/// The bytes of a text, which the digest covers whether they are valid or not.
fn text<'a>(value: ValueRef<'a>, column: &str) -> Result<&'a [u8], String> {
    match value {
        ValueRef::Text(bytes) => Ok(bytes),
        _ => Err(wrong(column)),
    }
}
