//! Random sequences of jobs against a plain model.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::page::WHOLE_STATE_STEP;

const ENVIRONMENTS: [&str; 2] = ["one", "two"];

#[derive(Clone, Debug)]
enum Step {
    /// Sets the page's flags.
    Flip {
        page: usize,
        flags: u32,
    },
    /// Persists the page as it is, or as an earlier snapshot had it.
    Persist {
        environment: usize,
        page: usize,
        stale: Option<Index>,
    },
    Rollback {
        environment: usize,
        page: usize,
        to: Option<Index>,
    },
    Promote {
        from: usize,
        to: usize,
        page: usize,
    },
    Load {
        environment: usize,
        page: usize,
    },
    Prune {
        environment: usize,
        keep: u32,
    },
    /// Closes the file and opens it again.
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let (page, environment) = (0..2_usize, 0..2_usize);
    let which = (environment.clone(), page.clone());
    prop_oneof![
        3 => (page.clone(), 0..16_u32).prop_map(|(page, flags)| Step::Flip { page, flags }),
        5 => (which.clone(), any::<Option<Index>>())
            .prop_map(|((environment, page), stale)| Step::Persist { environment, page, stale }),
        4 => (which.clone(), any::<Option<Index>>())
            .prop_map(|((environment, page), to)| Step::Rollback { environment, page, to }),
        1 => (environment.clone(), environment, page)
            .prop_map(|(from, to, page)| Step::Promote { from, to, page }),
        1 => which.prop_map(|(environment, page)| Step::Load { environment, page }),
        1 => (0..2_usize, 1..6_u32).prop_map(|(environment, keep)| Step::Prune { environment, keep }),
        1 => Just(Step::Reopen),
    ]
}

/// What the model keeps of a revision.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    id: i64,
    environment: usize,
    flags: u32,
    parent: Option<i64>,
    restored_from: Option<i64>,
    page_id: u64,
    generation: u32,
}

#[derive(Default)]
struct Model {
    rows: Vec<Row>,
    /// Up to where revisions were removed, by environment.
    pruned: [i64; 2],
}

impl Model {
    fn of(&self, environment: usize) -> impl DoubleEndedIterator<Item = &Row> {
        self.rows
            .iter()
            .filter(move |row| row.environment == environment)
    }

    fn get(&self, id: i64) -> &Row {
        self.rows.iter().find(|row| row.id == id).unwrap()
    }

    /// Those that are left.
    fn left(&self, environment: usize) -> impl DoubleEndedIterator<Item = &Row> {
        let pruned = self.pruned[environment];
        self.of(environment).filter(move |row| row.id > pruned)
    }

    fn prune(&mut self, environment: usize, keep: usize) {
        let Some(effective) = self.effective(environment) else {
            return;
        };
        let pruned = self.pruned[environment];
        let parent = effective.parent.filter(|parent| *parent > pruned);
        let Some(newest) = self.left(environment).rev().nth(keep - 1) else {
            return;
        };
        let first = newest
            .id
            .min(effective.id)
            .min(parent.unwrap_or(effective.id));
        let last = self.left(environment).rfind(|row| row.id < first);
        self.pruned[environment] = last.map_or(pruned, |row| row.id);
    }

    /// The latest state of the page that took over last.
    fn effective(&self, environment: usize) -> Option<&Row> {
        self.of(environment).reduce(|best, row| {
            let same_page = row.page_id == best.page_id;
            // No sequence here is long enough to wrap.
            if same_page && row.generation < best.generation {
                best
            } else {
                row
            }
        })
    }

    fn append(&mut self, mut row: Row) -> Row {
        row.id = i64::try_from(self.rows.len()).unwrap() + 1;
        self.rows.push(row.clone());
        row
    }
}

fn row(entry: &Entry, environment: usize) -> Row {
    let revision = &entry.revision;
    assert_eq!(revision.environment, ENVIRONMENTS[environment]);
    Row {
        id: revision.id,
        environment,
        flags: flags(entry),
        parent: revision.parent,
        restored_from: revision.restored_from,
        page_id: revision.page_id,
        generation: revision.generation,
    }
}

struct Run {
    bed: Bed,
    store: Store,
    pages: [Page; 2],
    snapshots: Vec<Snapshot>,
    model: Model,
}

impl Run {
    fn live(&self, page: usize) -> u32 {
        self.pages[page].snapshot().state.record.feature_flags
    }

    fn persist(&mut self, environment: usize, page: usize, stale: Option<Index>) {
        let page = &self.pages[page];
        let snapshot = match stale {
            Some(index) if !self.snapshots.is_empty() => *index.get(&self.snapshots),
            _ => page.snapshot(),
        };
        self.snapshots.push(snapshot);
        let last = self.model.of(environment).last().map_or(0, |row| row.id);
        let parent = self.model.effective(environment).map(|row| row.id);
        let job = |expected| persist_job(ENVIRONMENTS[environment], page, snapshot, "", expected);
        let error = ask(&self.store, job(Some(last + 1))).unwrap_err();
        assert_eq!(code(&error), "ERR_REVISION_CONFLICT");
        let entry = ask(&self.store, job(Some(last))).unwrap().value;
        let expected = self.model.append(Row {
            id: 0,
            environment,
            flags: snapshot.state.record.feature_flags,
            parent,
            restored_from: None,
            page_id: snapshot.page_id,
            generation: snapshot.generation,
        });
        assert_eq!(row(&entry, environment), expected);
    }

    /// Compares a rollback or promotion: the outcome, and the page after it.
    fn restored(
        &mut self,
        environment: usize,
        page: usize,
        target: Option<(i64, Option<i64>)>,
        before: Snapshot,
        outcome: Result<Entry, Error>,
    ) {
        let Some((target, parent)) = target else {
            assert!(outcome.is_err());
            assert_eq!(self.pages[page].snapshot(), before);
            return;
        };
        let flags = self.model.get(target).flags;
        let expected = self.model.append(Row {
            id: 0,
            environment,
            flags,
            parent,
            restored_from: Some(target),
            page_id: before.page_id,
            generation: before.generation + WHOLE_STATE_STEP,
        });
        assert_eq!(row(&outcome.unwrap(), environment), expected);
        assert_eq!(self.live(page), flags);
        assert!(self.pages[page].snapshot().generation >= before.generation + WHOLE_STATE_STEP);
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Flip { page, flags } => set(&self.pages[page], flags),
            Step::Persist {
                environment,
                page,
                stale,
            } => self.persist(environment, page, stale),
            Step::Rollback {
                environment,
                page,
                to,
            } => {
                let rows: Vec<_> = self.model.of(environment).collect();
                let wanted = to
                    .filter(|_| !rows.is_empty())
                    .map(|index| index.get(&rows).id);
                let target = wanted
                    .or_else(|| self.model.effective(environment)?.parent)
                    .filter(|id| *id > self.model.pruned[environment])
                    .map(|id| (id, self.model.get(id).parent));
                let before = self.pages[page].snapshot();
                let (name, source) = (ENVIRONMENTS[environment], Source::Earlier(wanted));
                let outcome = try_restore(&self.store, name, &self.pages[page], source, None);
                self.restored(environment, page, target, before, outcome);
            }
            Step::Promote { from, to, page } => {
                let parent = self.model.effective(to).map(|row| row.id);
                let target = self.model.effective(from).map(|row| (row.id, parent));
                let before = self.pages[page].snapshot();
                let (from, receiver) = (ENVIRONMENTS[from], ENVIRONMENTS[to]);
                let outcome = try_promote(&self.store, from, receiver, &self.pages[page]);
                self.restored(to, page, target, before, outcome);
            }
            Step::Load { environment, page } => {
                let expected = self.model.effective(environment).cloned();
                let entry = load(&self.store, ENVIRONMENTS[environment], &self.pages[page]);
                assert_eq!(entry.map(|entry| row(&entry, environment)), expected);
                if let Some(expected) = expected {
                    assert_eq!(self.live(page), expected.flags);
                }
            }
            Step::Prune { environment, keep } => {
                let kept = self.model.left(environment).count();
                let heads: Vec<_> = history(&self.store, ENVIRONMENTS[environment], 1, None);
                self.model
                    .prune(environment, usize::try_from(keep).unwrap());
                let left: Vec<_> = self.model.left(environment).map(|row| row.id).collect();
                let (removed, pruned) =
                    try_prune(&self.store, ENVIRONMENTS[environment], keep).unwrap();
                assert_eq!(usize::try_from(removed).unwrap(), kept - left.len());
                assert_eq!(usize::try_from(pruned.kept).unwrap(), left.len());
                assert_eq!(pruned.oldest, left.first().copied());
                // What was the end of the chain is still in it.
                let head = heads.first().map(|entry| entry.revision.digest);
                let verified = verify_in(&self.store, ENVIRONMENTS[environment], head);
                assert_eq!(verified.unwrap().breaches, []);
            }
            Step::Reopen => {
                // Meanwhile the model's file has no handle, so it is closed.
                self.store = Bed::in_memory().open();
                self.store = self.bed.open();
            }
        }
    }

    fn compare(&self) {
        let verification = verify(&self.store, None).unwrap();
        assert_eq!(verification.breaches, []);
        let revisions: usize = (0..2).map(|number| self.model.left(number).count()).sum();
        assert_eq!(usize::try_from(verification.revisions).unwrap(), revisions);
        for (number, environment) in ENVIRONMENTS.into_iter().enumerate() {
            let listed = history(&self.store, environment, 1_000, None);
            let rows: Vec<_> = listed
                .iter()
                .rev()
                .map(|entry| row(entry, number))
                .collect();
            assert_eq!(rows, self.model.left(number).cloned().collect::<Vec<_>>());
            // What each changed is what it would say if nothing had been removed.
            for (entry, row) in listed.iter().rev().zip(&rows) {
                let before = self.model.of(number).rfind(|other| other.id < row.id);
                assert_eq!(
                    entry.previous.map(|previous| previous.record.feature_flags),
                    before.map(|before| before.flags)
                );
            }
            assert_eq!(
                effective(&self.store, environment).map(|revision| revision.id),
                self.model.effective(number).map(|row| row.id)
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 500, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_jobs_agrees_with_the_model(steps in prop::collection::vec(step(), 1..40)) {
        let bed = Bed::in_memory();
        let mut run = Run {
            store: bed.open(),
            bed,
            pages: [page(0), page(0b1)],
            snapshots: Vec::new(),
            model: Model::default(),
        };
        for step in steps {
            run.step(&step);
        }
        run.compare();
        run.step(&Step::Reopen);
        run.compare();
    }
}
