//! What is measured: by time in `core`, by instructions in `instructions`.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use config13::distribution::Lag;
use config13::page::{Arena, FULL_ROLLOUTS, Page, State, Units};
use config13::record::Record;
use config13::store::{Access, Answer, Entry, Job, Persist, Store};
use config13::{error, feature_table, watch};
use tempfile::TempDir;

/// Persists that are committed together.
pub const AT_ONCE: u32 = 64;

const ENVIRONMENT: &str = "production";

/// One operation, ready to be repeated.
pub type Operation = Box<dyn FnMut()>;

/// Makes an operation ready.
pub type MakeReady = fn() -> Operation;

/// By name.
pub const OPERATIONS: [(&str, MakeReady); 10] = [
    ("record, encode", encode),
    ("record, decode", decode),
    ("table, hash", registry_hash),
    ("page, allocate and release", allocate),
    ("page, snapshot", snapshot),
    ("page, apply a whole state", apply),
    ("page, announce, nobody listens", announce),
    ("page, wake one listener", wake),
    ("store, persist", persist),
    ("store, 64 persists in one transaction", persist_together),
];

fn state(feature_flags: u32) -> State {
    let record = Record {
        feature_flags,
        ..Record::default()
    };
    State::of_record(record, FULL_ROLLOUTS)
}

fn page() -> Page {
    let mut arena = Arena::default();
    let handle = arena.allocate(&state(7), 0, true).expect("a page");
    arena.page(handle).expect("the page").clone()
}

fn encode() -> Operation {
    let record = Record::default();
    Box::new(move || {
        black_box(black_box(&record).encode());
    })
}

fn decode() -> Operation {
    let bytes = Record::default().encode();
    Box::new(move || {
        let record = Record::decode(black_box(&bytes)).expect("a record");
        assert_eq!(black_box(record).feature_flags, 7);
    })
}

fn registry_hash() -> Operation {
    let names = ["checkout", "search", "payments", "recommendations"];
    let table = feature_table::FeatureTable::new(names).expect("a table");
    Box::new(move || {
        black_box(black_box(&table).hashes());
    })
}

/// What creating and closing a private config asks of the arena.
fn allocate() -> Operation {
    let mut arena = Arena::default();
    let fresh = state(0);
    Box::new(move || {
        let handle = arena.allocate(black_box(&fresh), 0, false).expect("a page");
        arena.release(handle).expect("the page");
    })
}

fn snapshot() -> Operation {
    let page = page();
    Box::new(move || {
        assert_eq!(black_box(page.snapshot()).state.flags.first_bank(), 7);
    })
}

/// What `load` and `rollback` do to the page.
fn apply() -> Operation {
    let page = page();
    let states = [state(1), state(6)];
    let mut turns = states.into_iter().cycle();
    Box::new(move || {
        let target = turns.next().expect("endless");
        let _always = page.change(black_box(&target), Units::ALL, 1);
    })
}

fn announce() -> Operation {
    let page = page();
    Box::new(move || watch::announce(black_box(&page)))
}

/// What a flip asks of the addon when somebody on another thread listens.
fn wake() -> Operation {
    let page = page();
    let (told, tidings) = channel();
    let subscription = watch::subscribe(&page, &Arc::<Lag>::default(), |delivery| {
        let notify = move || {
            delivery.looking();
            told.send(()).is_ok()
        };
        Ok::<_, error::Error>(Box::new(notify) as Box<dyn Fn() -> bool + Send + Sync>)
    })
    .expect("a subscription");
    Box::new(move || {
        let _as_long = &subscription;
        watch::wake(black_box(&page));
        tidings.try_recv().expect("to be told");
    })
}

fn persist() -> Operation {
    let mut bed = Bed::new();
    Box::new(move || bed.persist(1))
}

fn persist_together() -> Operation {
    let mut bed = Bed::new();
    Box::new(move || bed.persist(AT_ONCE))
}

/// A database, in memory where there is a place for it: what is measured is what the processor does.
struct Bed {
    store: Store,
    page: Page,
    revisions: i64,
    _directory: TempDir,
}

impl Bed {
    fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let directory = if memory.is_dir() {
            TempDir::new_in(memory)
        } else {
            TempDir::new()
        }
        .expect("a directory");
        let path = directory.path().join("config.db");
        let store = Store::open(&path, Access::ReadWrite).expect("a store");
        store.attach(ENVIRONMENT, None).expect("an environment");
        Self {
            store,
            page: page(),
            revisions: 0,
            _directory: directory,
        }
    }

    fn persist(&mut self, count: u32) {
        let pending: Vec<_> = (0..count).map(|_| self.submit()).collect();
        self.store.wake();
        for answer in pending {
            let entry = answer.recv().expect("an answer").expect("a revision").value;
            self.revisions += 1;
            assert_eq!(entry.revision.id, self.revisions);
        }
    }

    fn submit(&self) -> Receiver<Result<Answer<Entry>, error::Error>> {
        let (sender, receiver) = channel();
        let reply = self.store.reply(move |answer| drop(sender.send(answer)));
        self.store.submit(Job::Persist(Persist {
            environment: ENVIRONMENT.to_owned(),
            page: self.page.clone(),
            snapshot: self.page.take_snapshot().into(),
            reason: "metrics on for everyone".to_owned(),
            actor: "bench:1".to_owned(),
            unless_same: false,
            if_revision: None,
            reply,
        }));
        receiver
    }
}
