//! Whose change it is: what a state of one page becomes with what others have persisted since.

use rusqlite::Connection;

use super::listing;
use super::revision::{self, Kind, Revision};
use crate::page::{State, Units};

/// How many revisions are kept in memory to be put on a live state; few in tests, which have no time for many.
const MOST_AT_ONCE: usize = if cfg!(test) { 100 } else { 10_000 };

/// What took effect after a revision that a page contains.
pub struct Since {
    base: State,
    changes: Changes,
    /// The last revision of it.
    pub until: i64,
}

enum Changes {
    /// By others alone: what is in effect.
    Foreign(Box<State>),
    /// By the page itself, too: the revisions in their order.
    Mixed(Vec<Revision>),
}

impl Since {
    /// `None` if some of it was pruned. `last_own` is the last revision of the page that took effect, and `effective`, with
    /// the state `in_effect`, the last one of all. Of very many revisions it is the first ones.
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
        let mut until = effective;
        let changes = if last_own <= contains {
            Changes::Foreign(Box::new(*in_effect))
        } else {
            let mut since = Vec::new();
            revision::each_since(connection, environment, contains, effective, |revision| {
                until = revision.id;
                since.push(revision);
                since.len() < MOST_AT_ONCE
            })?;
            if since.len() < MOST_AT_ONCE {
                until = effective;
            }
            Changes::Mixed(since)
        };
        Ok(Some(Self {
            base,
            changes,
            until,
        }))
    }

    /// A state of the page with all of that.
    pub fn put_on(&self, state: &State, page_id: u64) -> State {
        match &self.changes {
            Changes::Foreign(in_effect) => merge_foreign(state, &self.base, in_effect),
            Changes::Mixed(since) => {
                let mut merging = Merging::begin(state, &self.base, page_id, 0);
                for revision in since {
                    merging.put_on(revision);
                }
                merging.state
            }
        }
    }
}

/// A state of a page that the revisions after the one it contains are put on, in their order.
///
/// What the page has changed itself since the base stays; of everything else, others' changes are put on. A commit of the
/// page goes on top of both: it was made on disk, and the state may lack it. What the page has changed itself is determined
/// anew at each of its snapshots, never in between.
#[derive(Clone, Copy, Debug)]
pub struct Merging {
    page_id: u64,
    own: Units,
    /// The last revision that was put on.
    until: i64,
    /// The state so far.
    pub state: State,
}

impl Merging {
    /// `base` is the state of the revision that the page contains.
    pub fn begin(state: &State, base: &State, page_id: u64, contains: i64) -> Self {
        Self {
            page_id,
            own: state.differences(base),
            until: contains,
            state: *state,
        }
    }

    /// Puts on what took effect until this revision.
    pub fn go_on(
        &mut self,
        connection: &Connection,
        environment: &str,
        until: i64,
    ) -> rusqlite::Result<()> {
        revision::each_since(connection, environment, self.until, until, |revision| {
            self.put_on(&revision);
            true
        })?;
        self.until = until;
        Ok(())
    }

    fn put_on(&mut self, revision: &Revision) {
        let Some(delta) = revision.delta else {
            return;
        };
        match (revision.page_id == self.page_id, revision.kind) {
            (false, _) => self.state.set(delta & !self.own, &revision.state),
            (true, Kind::Commit) => self.state.set(delta, &revision.state),
            (true, Kind::Snapshot) => self.own = self.state.differences(&revision.state),
        }
    }
}

/// As [`Merging`], where no revision of the page itself lies in between: then what is not its own is what is in effect.
pub fn merge_foreign(state: &State, base: &State, in_effect: &State) -> State {
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
            delta: Some(Units::of_first_bank(delta)),
            names: 32,
            epoch: 0,
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

    fn merge(state: &State, base: &State, since: &[Revision]) -> State {
        let mut merging = Merging::begin(state, base, PAGE, 0);
        for revision in since {
            merging.put_on(revision);
        }
        merging.state
    }

    fn merged(live: u32, base: u32, since: &[Revision]) -> u32 {
        let (live, base) = (State::with_flags(live), State::with_flags(base));
        merge(&live, &base, since).flags.first_bank()
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
                merge(&state, &base, &since),
                merge_foreign(&state, &base, &since[1].state)
            );
        }
    }
}
