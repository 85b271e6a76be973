//! The digest chain, recomputed from the database alone by code that shares nothing with the store.

use sha2::{Digest, Sha256};

use super::*;
use crate::store::rows::revision::Kind;

/// Walks the chain of an environment and returns its length and end, or the first revision that breaks it.
pub(super) fn walk(connection: &Connection, environment: &str) -> Result<(i64, Vec<u8>), i64> {
    let mut previous = vec![0_u8; 32];
    let mut count = 0;
    let mut statement = connection
        .prepare(
            "SELECT r.id, e.name, r.record, r.rollouts, r.names, r.epoch, r.reason, r.actor, r.created_at, r.parent,
                    r.restored_from, r.kind, r.delta, r.ticket, r.page_id, r.digest
             FROM revision r JOIN environment e ON e.id = r.environment WHERE e.name = ?1 ORDER BY r.id",
        )
        .unwrap();
    let mut rows = statement.query([environment]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let number = |column: usize| row.get::<_, i64>(column).unwrap();
        let optional = |column: usize| {
            row.get::<_, Option<i64>>(column)
                .unwrap()
                .map_or(Vec::new(), |id| id.to_le_bytes().to_vec())
        };
        let text = |column: usize| row.get::<_, String>(column).unwrap().into_bytes();
        let blob = |column: usize| row.get::<_, Option<Vec<u8>>>(column).unwrap();
        let mut bytes = Vec::new();
        for field in [
            b"13byte-config revision 1".to_vec(),
            previous,
            number(0).to_le_bytes().to_vec(),
            text(1),
            row.get(2).unwrap(),
            blob(3).unwrap_or_default(),
            number(4).to_le_bytes()[..2].to_vec(),
            number(5).to_le_bytes()[..4].to_vec(),
            text(6),
            text(7),
            number(8).to_le_bytes().to_vec(),
            optional(9),
            optional(10),
            number(11).to_le_bytes()[..1].to_vec(),
            blob(12).unwrap_or_default(),
            number(13).to_le_bytes().to_vec(),
            number(14).to_le_bytes().to_vec(),
        ] {
            bytes.extend(u32::try_from(field.len()).unwrap().to_le_bytes());
            bytes.extend(field);
        }
        let digest = Sha256::digest(&bytes).to_vec();
        if digest != row.get::<_, Vec<u8>>(15).unwrap() {
            return Err(number(0));
        }
        previous = digest;
        count += 1;
    }
    Ok((count, previous))
}

#[test]
fn the_chain_can_be_recomputed_from_the_database() {
    let bed = Bed::new();
    let store = bed.open();
    let (staging, production) = (page(0b1), page(0b10));
    persist_in(&store, "staging", &staging, "first");
    persist(&store, &production, "");
    let mut tuned = state_with_rows(0b101, 60);
    tuned.rollouts[0] = 1;
    production
        .change(&tuned, Units::ALL, production.contains())
        .unwrap();
    persist(&store, &production, "dritter — ü");
    try_rollback(&store, &production, None, None).unwrap();
    try_promote(&store, "staging", ENV, &production).unwrap();
    try_promote(&store, ENV, "staging", &staging).unwrap();
    let job = persist_job(
        "staging",
        &staging,
        Snapshot {
            page_id: u64::MAX,
            ticket: u64::MAX >> 1,
            ..staging.take_snapshot()
        },
        "extremes",
        None,
    );
    ask(&store, job).unwrap();

    let outsider = bed.outsider();
    for environment in ["staging", ENV] {
        let head: (i64, Vec<u8>) = outsider
            .query_row(
                "SELECT revisions, digest FROM environment WHERE name = ?1",
                [environment],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .unwrap();
        assert_eq!(walk(&outsider, environment), Ok(head));
    }
    assert_eq!(walk(&outsider, "staging").unwrap().0, 3);
    assert_eq!(walk(&outsider, ENV).unwrap().0, 4);
}

#[test]
fn the_library_agrees_with_what_it_stored() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0));
    for _ in 0..5 {
        persist(&store, &page, "");
    }
    let mut previous = [0; 32];
    for entry in history(&store, ENV, 9, None).iter().rev() {
        assert_eq!(
            entry.revision.digest_after(&previous),
            entry.revision.digest
        );
        previous = entry.revision.digest;
    }
    // Every field counts.
    let revision = history(&store, ENV, 1, None).remove(0).revision;
    let changes: [fn(&mut Revision); 16] = [
        |r| r.id += 1,
        |r| r.environment.push('x'),
        |r| r.state.flags = r.state.flags ^ Bits::only(0),
        |r| r.state.rollouts[31] -= 1,
        |r| r.names += 1,
        |r| r.epoch += 1,
        |r| r.reason.push('x'),
        |r| r.actor.push('x'),
        |r| r.created_at += 1,
        |r| r.parent = None,
        |r| r.restored_from = Some(0),
        |r| r.kind = Kind::Commit,
        |r| r.delta = None,
        |r| r.ticket ^= 1,
        |r| r.page_id ^= 1,
        |r| std::mem::swap(&mut r.reason, &mut r.actor),
    ];
    for change in changes {
        let mut other = revision.clone();
        change(&mut other);
        assert_ne!(
            other.digest_after(&previous),
            revision.digest_after(&previous)
        );
    }
}
