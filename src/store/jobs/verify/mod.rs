//! Checking that the history is whole: every digest, every link, the heads, and SQLite's own structure.
//!
//! The work is done in slices, one for each job, so that persists are not held up by it. What it checks is the
//! history as it was at the first slice: revisions that are appended meanwhile have higher numbers, and none is ever
//! changed.

mod report;
mod row;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, Row, Statement};

use crate::bits::{BANK_SIZE, BANKS};
use crate::error::{Error, printable};
use crate::feature_table::{FeatureTable, hash_names};
use crate::store::reply::{Answer, Progress};
use crate::store::rows::chain::Chain;
use crate::store::rows::columns::Columns;
use crate::store::rows::digest::{DIGEST_SIZE, hex};
use crate::store::rows::{anchor, features};
use crate::store::sqlite::connection::Access;
use crate::store::sqlite::errors::Fault;
use crate::store::worker::Worker;
use crate::sync::lock;
pub use report::{Breach, Verification, VerifiedEnvironment};
use row::{Removed, check_links, check_record};

/// How long a slice may take, roughly: what is persisted meanwhile waits for it.
const SLICE: Duration = Duration::from_millis(10);

/// How many revisions are checked before the clock is read again.
const ROWS_BETWEEN_LOOKS: u32 = 64;

/// How many problems are listed.
const MAX_PROBLEMS: usize = 100;

/// How many problems SQLite is asked for.
const MAX_SQLITE_PROBLEMS: u32 = 20;

/// How often SQLite's check yields to waiting callers. Then it runs to its end.
const MAX_INTERRUPTIONS: u32 = 5;

/// Operations of SQLite's check before it looks for waiting callers again.
const OPERATIONS_BETWEEN_LOOKS: i32 = 1000;

/// A check under way.
#[derive(Debug)]
pub struct Verifier(Mutex<State>);

impl Verifier {
    /// A check of a whole file. With `expected_head`, the chain of `environment` must contain that digest.
    #[must_use]
    pub fn new(environment: String, expected_head: Option<[u8; DIGEST_SIZE]>) -> Self {
        Self(Mutex::new(State {
            environment,
            expected_head,
            found_expected: false,
            stage: Stage::Begin,
            table: FeatureTable::default(),
            registry_hashes: BTreeMap::new(),
            chains: Vec::new(),
            last: 0,
            removals: 0,
            removed_until: 0,
            until: 0,
            done: 0,
            total: 0,
            breaches: Vec::new(),
            unlisted: 0,
            scratch: Vec::new(),
        }))
    }
}

#[derive(Debug)]
struct State {
    environment: String,
    expected_head: Option<[u8; DIGEST_SIZE]>,
    found_expected: bool,
    stage: Stage,
    table: FeatureTable,
    /// By epoch, the hashes of the table with the first `n` names, by `n`.
    registry_hashes: BTreeMap<u32, Vec<[u32; BANKS]>>,
    /// By the number of the environment.
    chains: Vec<Chain>,
    /// The last revision that was checked.
    last: i64,
    /// Changes when revisions are removed.
    removals: i64,
    /// Up to where revisions were removed in any environment.
    removed_until: i64,
    /// The last one to be checked.
    until: i64,
    done: u64,
    total: u64,
    breaches: Vec<Breach>,
    unlisted: u64,
    scratch: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Begin,
    Walk,
    Structure { interruptions: u32 },
    End,
}

impl Worker {
    /// Goes on with a check. What is damaged is found; only what cannot be read at all is an error.
    pub fn verify(&mut self, verifier: &Verifier) -> Result<Answer<Progress<Verification>>, Error> {
        // After a panic in an earlier slice, the caller got an error and requests no other slice.
        let mut state = lock(&verifier.0);
        let state = &mut *state;
        let sliced = match state.stage {
            Stage::Begin => self
                .with(Access::ReadOnly, |connection| {
                    // The file, not what the connection remembers of it.
                    Ok(connection.execute_batch("PRAGMA shrink_memory")?)
                })
                .and_then(|()| self.read_once(|connection| state.begin(connection)))
                .map(drop),
            Stage::Walk => self
                .read_once(|connection| state.walk(connection))
                .map(drop),
            Stage::Structure { interruptions } => self.structure(state, interruptions),
            Stage::End => Ok(()),
        };
        match sliced {
            Ok(()) => {}
            Err(Error::StoreCorrupt { detail, .. }) => state.unreadable(&detail),
            Err(error) => return Err(error),
        }
        let ended = matches!(state.stage, Stage::End);
        Ok(self.answer(Progress {
            done: state.done,
            total: state.total.max(state.done),
            outcome: ended.then(|| state.conclude()),
        }))
    }

    /// SQLite's own check of the file, which is one statement. It is interrupted for waiting callers, and restarted.
    fn structure(&mut self, state: &mut State, interruptions: u32) -> Result<(), Error> {
        let may_wait = interruptions < MAX_INTERRUPTIONS;
        let calls = self.calls.clone();
        let complaints = self.with(Access::ReadOnly, |connection| {
            if may_wait {
                let calls = calls.clone();
                let is_waiting = move || calls.is_waiting();
                connection.progress_handler(OPERATIONS_BETWEEN_LOOKS, Some(is_waiting))?;
            }
            let complaints = check_structure(connection);
            connection.progress_handler(0, None::<fn() -> bool>)?;
            match complaints {
                Err(error)
                    if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) =>
                {
                    Ok(None)
                }
                complaints => Ok(Some(complaints?)),
            }
        })?;
        let Some(complaints) = complaints else {
            let interruptions = interruptions + 1;
            state.stage = Stage::Structure { interruptions };
            return Ok(());
        };
        for complaint in complaints {
            state.report(None, None, format!("SQLite finds: {complaint}"));
        }
        state.stage = Stage::End;
        Ok(())
    }
}

fn check_structure(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement =
        connection.prepare(&format!("PRAGMA integrity_check({MAX_SQLITE_PROBLEMS})"))?;
    let complaints: rusqlite::Result<Vec<String>> =
        statement.query_map([], |row| row.get(0))?.collect();
    complaints.map(|mut complaints| {
        complaints.retain(|complaint| complaint != "ok");
        complaints
    })
}

impl State {
    /// Records the current end of the history.
    fn begin(&mut self, connection: &Connection) -> Result<(), Fault> {
        self.table = features::read(connection)?;
        self.registry_hashes.clear();
        self.chains = Chain::read(connection, None)?;
        self.until =
            connection.query_row("SELECT coalesce(max(id), 0) FROM revision", [], |row| {
                row.get(0)
            })?;
        self.removals = anchor::count_removals(connection)?;
        self.total = 0;
        self.removed_until = 0;
        for chain in &self.chains {
            let there = chain.said.revisions.saturating_sub(chain.removed);
            self.total = self.total.saturating_add_signed(there);
            self.removed_until = self.removed_until.max(chain.removed_until);
            if chain.removed > 0
                && Some(chain.found.digest) == self.expected_head
                && chain.name == self.environment
            {
                self.found_expected = true;
            }
        }
        self.stage = Stage::Walk;
        Ok(())
    }

    /// Checks the next revisions.
    fn walk(&mut self, connection: &Connection) -> Result<(), Fault> {
        if anchor::count_removals(connection)? != self.removals {
            // What was recorded at the beginning no longer holds.
            (self.stage, self.last, self.done) = (Stage::Begin, 0, 0);
            self.breaches.clear();
            self.unlisted = 0;
            self.found_expected = false;
            return Ok(());
        }
        let mut statement =
            connection.prepare(&Columns::select("WHERE id > ?1 AND id <= ?2 ORDER BY id"))?;
        let mut lookup = connection.prepare("SELECT environment FROM revision WHERE id = ?1")?;
        let mut rows = statement.query([self.last, self.until])?;
        let started = Instant::now();
        let mut checked = 0_u32;
        while let Some(row) = rows.next()? {
            self.check(row, &mut lookup)?;
            checked = checked.wrapping_add(1);
            if checked.is_multiple_of(ROWS_BETWEEN_LOOKS) && started.elapsed() >= SLICE {
                return Ok(());
            }
        }
        self.check_heads();
        self.stage = Stage::Structure { interruptions: 0 };
        Ok(())
    }

    fn check(&mut self, row: &Row<'_>, lookup: &mut Statement<'_>) -> Result<(), Fault> {
        let columns = Columns::read(row)?;
        let id = columns.id;
        if id <= self.last {
            // A tree that is out of order could be walked in circles.
            return Err(damage(&format!("revision {id} comes after {}", self.last)));
        }
        self.last = id;
        self.done += 1;
        let place = self
            .chains
            .binary_search_by_key(&columns.environment, |chain| chain.id);
        let Some(chain) = place.ok().and_then(|place| self.chains.get_mut(place)) else {
            let number = columns.environment;
            self.report(
                Some(id),
                None,
                format!("it belongs to environment number {number}, which does not exist"),
            );
            return Ok(());
        };
        let mut problems = Vec::new();
        let removed = Removed {
            here: chain.removed_until,
            anywhere: self.removed_until,
        };
        while let Some((anchor, fits)) = chain.pass_anchor(id) {
            if !fits {
                problems.push(anchor.mismatch());
            }
            if Some(anchor.digest) == self.expected_head && chain.name == self.environment {
                self.found_expected = true;
            }
        }
        let before = (chain.found.revisions > 0).then_some(chain.found.last);
        let fields = match columns.fields(chain.name.as_bytes()) {
            Ok(fields) => fields,
            Err(problem) => {
                let name = chain.name.clone();
                // What comes after is still compared with the digest it was made with.
                chain.found.skip(id, columns.digest());
                self.report(Some(id), Some(name), problem);
                return Ok(());
            }
        };
        let digest = fields.digest_after(&chain.found.digest, &mut self.scratch);
        let kept = columns.digest();
        if kept != Some(digest) {
            problems.push(chain.found.mismatch());
        }
        let hashes = self
            .registry_hashes
            .entry(fields.epoch)
            .or_insert_with(|| hashes(&self.table.names_at(usize::MAX, fields.epoch)));
        check_record(&fields, hashes, &mut problems);
        let epoch = self.table.epoch();
        if fields.epoch > epoch {
            problems.push(format!(
                "it is of epoch {}, and the feature table of epoch {epoch}",
                fields.epoch
            ));
        }
        check_links(
            &fields,
            columns.environment,
            before,
            removed,
            lookup,
            &mut problems,
        )?;
        chain.pass(fields.id, fields.delta.is_some(), kept);
        if Some(digest) == self.expected_head && chain.name == self.environment {
            self.found_expected = true;
        }
        if !problems.is_empty() {
            let name = chain.name.clone();
            for problem in problems {
                self.report(Some(id), Some(name.clone()), problem);
            }
        }
        Ok(())
    }

    /// Compares what the environments say of their chains with what the revisions say.
    fn check_heads(&mut self) {
        let mut chains = std::mem::take(&mut self.chains);
        for chain in &mut chains {
            while let Some((anchor, fits)) = chain.pass_anchor(i64::MAX) {
                if !fits {
                    let (name, after) = (chain.name.clone(), anchor.after);
                    self.report(Some(after), Some(name), anchor.mismatch());
                }
                if Some(anchor.digest) == self.expected_head && chain.name == self.environment {
                    self.found_expected = true;
                }
            }
            let Chain {
                name, said, found, ..
            } = &*chain;
            let mut report = |revision: i64, problem: String| {
                self.report(Some(revision), Some(name.clone()), problem);
            };
            let (end, last) = (found.last, said.last);
            if last > end {
                report(
                    last,
                    format!(
                        "it is missing: the environment says it was the last revision, but the history ends with {end}"
                    ),
                );
            } else if last < end {
                report(
                    end,
                    format!("the environment says that its last revision is {last}"),
                );
            } else if said.digest != found.digest {
                report(
                    end,
                    "the environment keeps another digest for its last revision".to_owned(),
                );
            }
            if said.revisions != found.revisions {
                let (counted, there) = (said.revisions, found.revisions);
                report(
                    end,
                    format!(
                        "the environment counts {counted} revisions up to here, but {there} are there"
                    ),
                );
            }
            if said.effective != found.effective {
                let (said, found) = (said.effective, found.effective);
                report(
                    said,
                    format!(
                        "the environment says it is the last persisted state, but that is revision {found}"
                    ),
                );
            }
        }
        self.chains = chains;
    }

    fn unreadable(&mut self, detail: &str) {
        self.stage = match self.stage {
            Stage::Begin | Stage::Walk => {
                let next = (self.last > 0).then(|| self.last.saturating_add(1));
                self.report(
                    next,
                    None,
                    format!("it and what follows cannot be read: {detail}"),
                );
                Stage::Structure { interruptions: 0 }
            }
            Stage::Structure { .. } | Stage::End => {
                self.report(None, None, format!("SQLite cannot check it: {detail}"));
                Stage::End
            }
        };
    }

    fn report(&mut self, revision: Option<i64>, environment: Option<String>, problem: String) {
        if self.breaches.len() < MAX_PROBLEMS {
            // Both may come from a file that was tampered with.
            self.breaches.push(Breach {
                revision,
                environment: environment.map(|name| printable::short(name).to_string()),
                problem: printable::text(problem).to_string(),
            });
        } else {
            self.unlisted += 1;
        }
    }

    fn conclude(&mut self) -> Verification {
        let mut breaches = std::mem::take(&mut self.breaches);
        if let Some(expected) = self.expected_head
            && !self.found_expected
        {
            let expected = hex(&expected);
            breaches.push(Breach {
                revision: None,
                environment: Some(self.environment.clone()),
                problem: format!(
                    "no revision has the expected digest {expected}: revisions were removed from the end, the history \
                     was rewritten, or that revision was pruned"
                ),
            });
        }
        if self.unlisted > 0 {
            breaches.push(Breach {
                revision: None,
                environment: None,
                problem: format!("{} more problems are not listed", self.unlisted),
            });
        }
        let environments = std::mem::take(&mut self.chains).into_iter();
        Verification {
            revisions: self.done,
            environments: environments
                .map(|chain| VerifiedEnvironment {
                    revisions: chain.found.revisions.abs_diff(chain.removed),
                    pruned: chain.removed.unsigned_abs(),
                    head: chain.found.digest,
                    name: chain.name,
                })
                .collect(),
            breaches,
        }
    }
}

/// The hashes of the table when it had no name, one, and so on.
fn hashes(names: &[String]) -> Vec<[u32; BANKS]> {
    let mut hashes = vec![FeatureTable::default().hashes()];
    for count in 1..=names.len() {
        // Only the bank of the last name has others than before.
        let bank = (count - 1) / BANK_SIZE;
        let mut of_banks = hashes.last().copied().unwrap_or_default();
        let of_bank = names.get(bank * BANK_SIZE..count).unwrap_or_default();
        if let Some(hash) = of_banks.get_mut(bank) {
            *hash = hash_names(of_bank);
        }
        hashes.push(of_banks);
    }
    hashes
}

fn damage(detail: &str) -> Fault {
    let detail: Box<dyn std::error::Error + Send + Sync> = detail.into();
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Integer, detail).into()
}
