//! Random sequences of jobs against a plain model of the order of revisions: see `docs/durability.md`, "Whose change it is".

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::store::rows::revision::Kind;

const ENVIRONMENTS: [&str; 2] = ["one", "two"];

/// Two pages for each environment, the later ones of the second.
const PAGES: usize = 4;

const fn environment_of(page: usize) -> usize {
    page / 2
}

#[derive(Clone, Debug)]
enum Step {
    /// Sets the page's flags.
    Flip {
        page: usize,
        flags: u32,
    },
    /// Persists the page as it is, or as an earlier snapshot had it that was not persisted yet.
    Persist {
        page: usize,
        stale: Option<Index>,
    },
    /// Takes a snapshot to be persisted later, or never.
    Snapshot {
        page: usize,
    },
    /// Persists the page unless that changes nothing.
    Automatic {
        page: usize,
    },
    Rollback {
        page: usize,
        to: Option<Index>,
    },
    /// Sets some flags by a commit.
    Apply {
        page: usize,
        flags: u32,
        known: u32,
    },
    Promote {
        from: usize,
        page: usize,
    },
    Load {
        page: usize,
    },
    /// The process was killed between the commit and the live state: takes back what the page has of its last commit.
    Kill {
        page: usize,
    },
    /// The page begins a new life with what is in effect.
    Restart {
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
    let page = 0..PAGES;
    let which = (page.clone(), any::<Option<Index>>());
    prop_oneof![
        6 => (page.clone(), 0..16_u32).prop_map(|(page, flags)| Step::Flip { page, flags }),
        4 => which.clone().prop_map(|(page, stale)| Step::Persist { page, stale }),
        2 => page.clone().prop_map(|page| Step::Snapshot { page }),
        2 => page.clone().prop_map(|page| Step::Automatic { page }),
        2 => which.prop_map(|(page, to)| Step::Rollback { page, to }),
        3 => (page.clone(), 0..16_u32, 0..16_u32)
            .prop_map(|(page, flags, known)| Step::Apply { page, flags: flags & known, known }),
        1 => (0..2_usize, page.clone()).prop_map(|(from, page)| Step::Promote { from, page }),
        1 => page.clone().prop_map(|page| Step::Load { page }),
        1 => page.clone().prop_map(|page| Step::Kill { page }),
        1 => page.prop_map(|page| Step::Restart { page }),
        1 => (0..2_usize, 1..6_u32).prop_map(|(environment, keep)| Step::Prune { environment, keep }),
        1 => Just(Step::Reopen),
    ]
}

/// What the model keeps of a revision. Flags stand for all units.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    id: i64,
    environment: usize,
    is_commit: bool,
    flags: u32,
    delta: Option<u32>,
    parent: Option<i64>,
    restored_from: Option<i64>,
    page_id: u64,
    ticket: u64,
}

/// What the model keeps of a page.
#[derive(Clone, Copy, Debug, Default)]
struct Live {
    id: u64,
    flags: u32,
    contains: i64,
    ticket: u64,
    /// The highest ticket that was written.
    written: u64,
    /// The state before its last commit was put on, while nothing else has happened to it.
    before_commit: Option<(u32, i64)>,
}

/// What a snapshot holds.
#[derive(Clone, Copy, Debug)]
struct Taken {
    page: usize,
    snapshot: Snapshot,
}

#[derive(Default)]
struct Model {
    rows: Vec<Row>,
    /// Up to where revisions were removed, by environment.
    pruned: [i64; 2],
    pages: [Live; PAGES],
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

    fn effective(&self, environment: usize) -> Option<&Row> {
        self.of(environment).rfind(|row| row.delta.is_some())
    }

    fn in_effect(&self, environment: usize) -> u32 {
        self.effective(environment).map_or(0, |row| row.flags)
    }

    /// Flag by flag, as the documentation says it.
    fn merged(&self, page: usize, flags: u32, contains: i64) -> Option<u32> {
        let environment = environment_of(page);
        let last = self.effective(environment).map_or(0, |row| row.id);
        let pruned = self.pruned[environment];
        if contains < last && pruned != 0 && contains <= pruned {
            return None;
        }
        let since: Vec<&Row> = self
            .of(environment)
            .filter(|row| row.id > contains && row.delta.is_some())
            .collect();
        let base = if contains == 0 {
            0
        } else {
            self.get(contains).flags
        };
        let id = self.pages[page].id;
        let flag = |bit: u32| {
            let mut value = flags & bit;
            let mut own = value != base & bit;
            for row in &since {
                let sets = row.delta.unwrap() & bit != 0;
                if row.page_id != id {
                    if sets && !own {
                        value = row.flags & bit;
                    }
                } else if row.is_commit {
                    if sets {
                        value = row.flags & bit;
                    }
                } else {
                    own = value != row.flags & bit;
                }
            }
            value
        };
        Some(
            (0..4)
                .map(|bit| flag(1 << bit))
                .fold(0, |all, one| all | one),
        )
    }

    /// Brings the live state up to what is in effect.
    fn synchronize(&mut self, page: usize) {
        let Live {
            flags, contains, ..
        } = self.pages[page];
        let Some(last) = self.effective(environment_of(page)).map(|row| row.id) else {
            return;
        };
        if let Some(flags) = self.merged(page, flags, contains)
            && contains < last
        {
            let live = &mut self.pages[page];
            (live.flags, live.contains) = (flags, last);
        }
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
        is_commit: revision.kind == Kind::Commit,
        flags: flags(entry),
        delta: revision
            .delta
            .map(|delta| delta.features().first_bank() & 0b1111),
        parent: revision.parent,
        restored_from: revision.restored_from,
        page_id: revision.page_id,
        ticket: revision.ticket,
    }
}

/// The name is taken where pages are numbers.
fn page_with(flags: u32) -> Page {
    page(flags)
}

struct Run {
    bed: Bed,
    store: Store,
    pages: [Page; PAGES],
    taken: Vec<Taken>,
    /// Pages that the store looks after.
    kept: Vec<usize>,
    model: Model,
}

impl Run {
    fn new() -> Self {
        let bed = Bed::in_memory();
        let pages = [page(0), page(0b1), page(0), page(0b10)];
        let mut model = Model::default();
        for (live, page) in model.pages.iter_mut().zip(&pages) {
            live.id = page.id();
            live.flags = page.snapshot().state.flags.first_bank();
        }
        Self {
            store: bed.open(),
            bed,
            pages,
            taken: Vec::new(),
            kept: Vec::new(),
            model,
        }
    }

    fn take(&mut self, page: usize) -> Taken {
        self.model.pages[page].ticket += 1;
        Taken {
            page,
            snapshot: self.pages[page].take_snapshot(),
        }
    }

    fn persist(&mut self, taken: &Taken, unless_same: bool) {
        let Taken { page, snapshot } = *taken;
        let environment = environment_of(page);
        let last = self.model.of(environment).last().map_or(0, |row| row.id);
        let before = self.model.effective(environment).cloned();
        let in_effect = self.model.in_effect(environment);
        let live = self.model.pages[page];
        let (name, of_page) = (ENVIRONMENTS[environment], self.pages[page].clone());
        let job = |expected| {
            let (environment, page) = (name.to_owned(), of_page.clone());
            move |reply| {
                Job::Persist(Persist {
                    environment,
                    page,
                    snapshot: snapshot.into(),
                    reason: String::new(),
                    actor: String::new(),
                    unless_same,
                    if_revision: expected,
                    reply,
                })
            }
        };
        let error = ask(&self.store, job(Some(last + 1))).unwrap_err();
        assert_eq!(code(&error), "ERR_REVISION_CONFLICT");
        let outcome = ask(&self.store, job(Some(last)));
        let takes_effect = snapshot.ticket > live.written;
        let flags = snapshot.state.flags.first_bank();
        let merged = if takes_effect {
            let Some(merged) = self
                .model
                .merged(page, flags, snapshot.contains.cast_signed())
            else {
                assert_eq!(code(&outcome.unwrap_err()), "ERR_BASE_PRUNED");
                return;
            };
            merged
        } else {
            flags
        };
        let entry = outcome.unwrap().value;
        self.model.pages[page].before_commit = None;
        let is_skipped = unless_same
            && takes_effect
            && before.is_some()
            && merged == in_effect
            && snapshot.ticket == live.written + 1;
        if is_skipped {
            assert_eq!(Some(row(&entry, environment)), before);
        } else {
            let expected = self.model.append(Row {
                id: 0,
                environment,
                is_commit: false,
                flags: merged,
                delta: takes_effect.then_some(merged ^ in_effect),
                parent: before.map(|row| row.id),
                restored_from: None,
                page_id: snapshot.page_id,
                ticket: snapshot.ticket,
            });
            assert_eq!(row(&entry, environment), expected);
        }
        if takes_effect {
            self.model.pages[page].written = snapshot.ticket;
        }
        self.model.synchronize(page);
    }

    /// Compares a commit: the outcome, and the page after it.
    fn committed(
        &mut self,
        page: usize,
        wanted: Option<(u32, u32, Option<i64>, Option<i64>)>,
        may_skip: bool,
        outcome: Result<Entry, Error>,
    ) {
        let environment = environment_of(page);
        let Some((flags, known, parent, restored_from)) = wanted else {
            assert!(outcome.is_err());
            return;
        };
        let entry = outcome.unwrap();
        let before = self.model.effective(environment).cloned();
        let live = self.model.pages[page];
        let merged = self.model.in_effect(environment) & !known | flags & known;
        let is_same = before.as_ref().is_some_and(|row| row.flags == merged);
        self.model.pages[page].before_commit = None;
        if may_skip && is_same && live.ticket == live.written {
            assert_eq!(Some(row(&entry, environment)), before);
            self.model.synchronize(page);
        } else {
            let expected = self.model.append(Row {
                id: 0,
                environment,
                is_commit: true,
                flags: merged,
                delta: Some(known),
                parent,
                restored_from,
                page_id: live.id,
                ticket: 0,
            });
            assert_eq!(row(&entry, environment), expected);
            let contains = live.contains;
            self.model.synchronize(page);
            if self.model.pages[page].contains == expected.id {
                self.model.pages[page].before_commit = Some((live.flags, contains));
            }
        }
        let live = &mut self.model.pages[page];
        live.flags = live.flags & !known | flags & known;
    }

    fn kill(&mut self, page: usize) {
        if let Some((flags, contains)) = self.model.pages[page].before_commit.take() {
            let live = &self.pages[page];
            live.change(&state(flags), Units::ALL, contains.cast_unsigned())
                .unwrap();
            live.mark_commit();
            let name = ENVIRONMENTS[environment_of(page)];
            self.store.keep(name, live).unwrap();
            self.kept.push(page);
            assert!(!live.is_unfinished());
            let live = &mut self.model.pages[page];
            (live.flags, live.contains) = (flags, contains);
            self.model.synchronize(page);
        }
    }

    fn restart(&mut self, page: usize) {
        let environment = environment_of(page);
        let (flags, contains) = self
            .model
            .effective(environment)
            .map_or((0, 0), |row| (row.flags, row.id));
        self.taken.retain(|taken| taken.page != page);
        self.pages[page] = page_with(flags);
        self.kept.retain(|kept| *kept != page);
        self.pages[page]
            .change(&state(flags), Units::ALL, contains.cast_unsigned())
            .unwrap();
        self.model.pages[page] = Live {
            id: self.pages[page].id(),
            flags,
            contains,
            ..Live::default()
        };
    }

    fn prune(&mut self, environment: usize, keep: u32) {
        for page in self.kept.clone() {
            if environment_of(page) == environment {
                self.model.synchronize(page);
                self.model.pages[page].before_commit = None;
            }
        }
        let kept = self.model.left(environment).count();
        let heads: Vec<_> = history(&self.store, ENVIRONMENTS[environment], 1, None);
        self.model
            .prune(environment, usize::try_from(keep).unwrap());
        let left: Vec<_> = self.model.left(environment).map(|row| row.id).collect();
        let (removed, pruned) = try_prune(&self.store, ENVIRONMENTS[environment], keep).unwrap();
        assert_eq!(usize::try_from(removed).unwrap(), kept - left.len());
        assert_eq!(usize::try_from(pruned.kept).unwrap(), left.len());
        assert_eq!(pruned.oldest, left.first().copied());
        // What was the end of the chain is still in it.
        let head = heads.first().map(|entry| entry.revision.digest);
        let verified = verify_in(&self.store, ENVIRONMENTS[environment], head);
        assert_eq!(verified.unwrap().breaches, []);
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Flip { page, flags } => {
                set(&self.pages[page], flags);
                self.model.pages[page].flags = flags;
                self.model.pages[page].before_commit = None;
            }
            Step::Snapshot { page } => {
                let taken = self.take(page);
                self.taken.push(taken);
            }
            Step::Persist { page, stale } => {
                let taken = match stale {
                    Some(index) if !self.taken.is_empty() => {
                        let place = index.index(self.taken.len());
                        self.taken.swap_remove(place)
                    }
                    _ => self.take(page),
                };
                self.persist(&taken, false);
            }
            Step::Automatic { page } => {
                let taken = self.take(page);
                self.persist(&taken, true);
            }
            Step::Rollback { page, to } => {
                let environment = environment_of(page);
                let rows: Vec<_> = self.model.of(environment).collect();
                let wanted = to
                    .filter(|_| !rows.is_empty())
                    .map(|index| index.get(&rows).id);
                let target = wanted
                    .or_else(|| self.model.effective(environment)?.parent)
                    .filter(|id| *id > self.model.pruned[environment])
                    .map(|id| self.model.get(id))
                    .map(|row| (row.flags, 0b1111, row.parent, Some(row.id)));
                let (name, source) = (ENVIRONMENTS[environment], Source::Earlier(wanted));
                let outcome = try_restore(&self.store, name, &self.pages[page], source, None);
                self.committed(page, target, false, outcome);
            }
            Step::Apply { page, flags, known } => {
                let environment = environment_of(page);
                let parent = self.model.effective(environment).map(|row| row.id);
                let given = Source::Given {
                    state: Box::new(state(flags)),
                    known: Bits::of_first_bank(known),
                };
                let name = ENVIRONMENTS[environment];
                let outcome = try_restore(&self.store, name, &self.pages[page], given, None);
                self.committed(page, Some((flags, known, parent, None)), true, outcome);
            }
            Step::Promote { from, page } => {
                let environment = environment_of(page);
                let parent = self.model.effective(environment).map(|row| row.id);
                let target = self
                    .model
                    .effective(from)
                    .map(|row| (row.flags, 0b1111, parent, Some(row.id)));
                let name = ENVIRONMENTS[environment];
                let outcome = try_promote(&self.store, ENVIRONMENTS[from], name, &self.pages[page]);
                self.committed(page, target, false, outcome);
            }
            Step::Load { page } => {
                let environment = environment_of(page);
                let expected = self.model.effective(environment).cloned();
                let entry = load(&self.store, ENVIRONMENTS[environment], &self.pages[page]);
                assert_eq!(entry.map(|entry| row(&entry, environment)), expected);
                if let Some(expected) = expected {
                    let live = &mut self.model.pages[page];
                    (live.flags, live.contains) = (expected.flags, expected.id);
                    live.before_commit = None;
                }
            }
            Step::Kill { page } => self.kill(page),
            Step::Restart { page } => self.restart(page),
            Step::Prune { environment, keep } => self.prune(environment, keep),
            Step::Reopen => {
                self.kept.clear();
                // Meanwhile the model's file has no handle, so it is closed.
                self.store = Bed::in_memory().open();
                self.store = self.bed.open();
            }
        }
        for (page, live) in self.pages.iter().zip(&self.model.pages) {
            let snapshot = page.snapshot();
            assert_eq!(
                (
                    snapshot.state.flags.first_bank(),
                    snapshot.contains.cast_signed(),
                    snapshot.ticket
                ),
                (live.flags, live.contains, live.ticket)
            );
        }
    }

    /// Once everybody has persisted twice, with nobody flipping any more, all hold the same.
    fn converge(&mut self) {
        for page in (0..PAGES).chain(0..PAGES) {
            let environment = environment_of(page);
            let Live { contains, .. } = self.model.pages[page];
            let pruned = self.model.pruned[environment];
            if pruned != 0 && contains <= pruned {
                self.step(&Step::Load { page });
            }
            self.step(&Step::Persist { page, stale: None });
        }
        for page in 0..PAGES {
            let in_effect = self.model.in_effect(environment_of(page));
            assert_eq!(self.model.pages[page].flags, in_effect);
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
                let before = self
                    .model
                    .of(number)
                    .rfind(|other| other.id < row.id && other.delta.is_some());
                assert_eq!(
                    entry.previous.map(|previous| previous.flags.first_bank()),
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
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_jobs_agrees_with_the_model(steps in prop::collection::vec(step(), 1..60)) {
        let mut run = Run::new();
        for step in steps {
            run.step(&step);
        }
        run.compare();
        run.step(&Step::Reopen);
        run.converge();
        run.compare();
    }
}
