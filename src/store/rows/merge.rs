//! Whose change it is: what a state of one page becomes with what others have persisted since.

use rusqlite::Connection;

use super::listing;
use super::revision::{self, Kind, Revision};
use crate::page::{State, Units};

/// What took effect after a revision that a page contains.
pub struct Since {
    base: State,
    changes: Changes,
}

enum Changes {
    /// By others alone: what is in effect.
    Foreign(State),
    /// By the page itself, too: the revisions in their order.
    Mixed(Vec<Revision>),
}

impl Since {
    /// `None` if some of it was pruned. `last_own` is the last revision of the page that took effect, and `effective`, with
    /// the state `in_effect`, the last one of all.
    pub fn read(
        connection: &Connection,
        environment: &str,
        contains: i64,
        last_own: i64,
        effective: i64,
        in_effect: &State,
    ) -> rusqlite::Result<Option<Self>> {
        let Some(base) = listing::base(connection, environment, contains)? else {
            return Ok(None);
        };
        let changes = if last_own <= contains {
            Changes::Foreign(*in_effect)
        } else {
            let since = revision::since(connection, environment, contains, effective)?;
            Changes::Mixed(since)
        };
        Ok(Some(Self { base, changes }))
    }

    /// A state of the page with all of that.
    pub fn put_on(&self, state: &State, page_id: u64) -> State {
        match &self.changes {
            Changes::Foreign(in_effect) => merge_foreign(state, &self.base, in_effect),
            Changes::Mixed(since) => merge(state, &self.base, since, page_id),
        }
    }
}

/// A state of the page `page_id` with the revisions that took effect after the one whose state is `base`, in their order.
///
/// What the page has changed itself since `base` stays; of everything else, others' changes are put on. A commit of the
/// page goes on top of both: it was made on disk, and the state may lack it. What the page has changed itself is determined
/// anew at each of its snapshots, never in between.
fn merge<'r>(
    state: &State,
    base: &State,
    since: impl IntoIterator<Item = &'r Revision>,
    page_id: u64,
) -> State {
    let mut merged = *state;
    let mut own = merged.differences(base);
    for revision in since {
        let Some(delta) = revision.delta else {
            continue;
        };
        match (revision.page_id == page_id, revision.kind) {
            (false, _) => merged.set(delta & !own, &revision.state),
            (true, Kind::Commit) => merged.set(delta, &revision.state),
            (true, Kind::Snapshot) => own = merged.differences(&revision.state),
        }
    }
    merged
}

/// As [`merge`], where no revision of the page itself lies in between: then what is not its own is what is in effect.
fn merge_foreign(state: &State, base: &State, in_effect: &State) -> State {
    let own: Units = state.differences(base);
    let mut merged = *state;
    merged.set(!own, in_effect);
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::rows::digest::NO_DIGEST;

    const PAGE: u64 = 1;
    const OTHER: u64 = 2;

    fn revision(id: i64, page_id: u64, kind: Kind, flags: u32, delta: u32) -> Revision {
        Revision {
            id,
            environment: "test".to_owned(),
            kind,
            state: State::with_flags(flags),
            delta: Some(Units::from_bits(delta.into())),
            known: u32::MAX,
            reason: String::new(),
            actor: String::new(),
            created_at: 0,
            parent: None,
            restored_from: None,
            ticket: 0,
            page_id,
            digest: NO_DIGEST,
        }
    }

    fn merged(live: u32, base: u32, since: &[Revision]) -> u32 {
        let state = State::with_flags(live);
        merge(&state, &State::with_flags(base), since, PAGE)
            .record
            .feature_flags
    }

    #[test]
    fn what_is_not_own_follows_others_and_what_is_own_stays() {
        use Kind::{Commit, Snapshot};

        let by_other = revision(5, OTHER, Snapshot, 0b11, 0b11);
        assert_eq!(merged(0b000, 0b000, std::slice::from_ref(&by_other)), 0b11);
        // The page turned bit 0 off itself.
        assert_eq!(merged(0b000, 0b001, std::slice::from_ref(&by_other)), 0b10);
        // Its own commit is put on, also over what it changed itself.
        let commit = revision(6, PAGE, Commit, 0b100, 0b111);
        assert_eq!(merged(0b000, 0b001, &[by_other.clone(), commit]), 0b100);
        // After a snapshot of it, only what differs from that one is its own: bit 1 is on since.
        let snapshot = revision(4, PAGE, Snapshot, 0b001, 0b001);
        let off = revision(5, OTHER, Commit, 0b000, 0b001);
        assert_eq!(merged(0b011, 0b000, &[snapshot, off]), 0b010);
    }

    #[test]
    fn without_own_revisions_both_ways_are_the_same() {
        let since = [
            revision(5, OTHER, Kind::Snapshot, 0b0110, 0b0010),
            revision(6, OTHER, Kind::Commit, 0b1110, 0b1100),
        ];
        let base = State::with_flags(0b0100);
        for live in 0..16 {
            let state = State::with_flags(live);
            assert_eq!(
                merge(&state, &base, &since, PAGE),
                merge_foreign(&state, &base, &since[1].state)
            );
        }
    }
}
