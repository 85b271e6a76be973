//! The store: one object for each configuration with a database. Everything but opening answers later, through a
//! promise that resolves with the result or with a `NativeFailure`.

#![expect(
    clippy::too_many_arguments,
    reason = "numbers and strings cross the boundary faster than an object with them"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use napi::bindgen_prelude::{Either, Either8, Object};
use napi::{Env, JsDeferred};
use napi_derive::napi;

use super::audit::{
    NativeBackupProgress, NativeEnvironments, NativeFileState, NativeHistoryEnd,
    NativePruneProgress, NativeVerifyProgress,
};
use super::page::{self, NativePage, NativeStartup};
use super::turn::Turn;
use super::{Result, js_error, runtime_error};
use crate::error::Error;
use crate::page::{FULL_ROLLOUTS, Rollouts, State};
use crate::record::Record;
use crate::registry::Registry;
use crate::startup::Startup;
use crate::store::{Access, Answer, Entry, Given, Job, Persist, Reply, Revision, Store, hex};

/// Why an operation failed. Promises resolve with it, so that the error itself is made in JavaScript.
#[napi(object)]
pub struct NativeFailure {
    /// Stable code.
    pub code: String,
    /// What failed, with which value, and what to do.
    pub message: String,
}

/// A whole state.
#[napi(object)]
pub struct NativeState {
    /// The 13 bytes, as `0x` and 26 hexadecimal digits: one string crosses the boundary faster than 13 numbers.
    pub record: String,
    /// Basis points for each bit; left out when every feature is rolled out to everyone.
    pub rollouts: Option<Vec<u16>>,
}

/// A persisted revision.
#[napi(object)]
pub struct NativeRevision {
    /// Its number, unique in the file.
    pub revision: f64,
    /// The environment it belongs to.
    pub environment: String,
    /// The state it keeps.
    pub state: NativeState,
    /// Bits of the features that existed.
    pub known: u32,
    /// Why it was made.
    pub reason: String,
    /// Who made it.
    pub actor: String,
    /// Milliseconds since 1970.
    pub created_at: f64,
    /// The revision whose state this one repeats.
    pub restored_from: Option<f64>,
    /// SHA-256 over its content and its predecessor's digest, in hexadecimal.
    pub digest: String,
    /// The state of the revision before it, when that was asked for and there is one.
    pub previous: Option<NativeState>,
}

/// What an operation found.
#[napi(object)]
pub struct NativeAnswer {
    /// The feature names of the database, from bit 0 up; left out when they are those of this object's last answer.
    pub names: Option<Vec<String>>,
    /// The hash of a table with these names.
    pub registry_hash: u32,
    /// The revisions in question, in the order of the question.
    pub revisions: Vec<NativeRevision>,
}

/// What any operation resolves with. One type for all of them, since each costs a promise of its own in code.
pub type Outcome = Either8<
    NativeFailure,
    NativeAnswer,
    NativeVerifyProgress,
    NativePruneProgress,
    NativeBackupProgress,
    NativeFileState,
    NativeHistoryEnd,
    NativeEnvironments,
>;
type Resolver = Box<dyn FnOnce(Env) -> napi::Result<Outcome> + Send>;

/// A configuration's hold on the store of a database file. The store closes when the last hold is gone.
#[napi]
pub struct NativeStore {
    /// `None` once closed.
    store: Option<Store>,
    /// The persists since the last `wake`.
    turn: Turn,
    /// How many feature names the last answer told of. Names only come in addition, so their number says which.
    told: Arc<AtomicUsize>,
    /// The same for answers of `persist_sync`, which overtake those that are on their way through the event loop.
    told_at_once: AtomicUsize,
}

#[napi]
impl NativeStore {
    /// Opens the database, or joins the process's store of that file. With `must_exist` it is never made. Blocks.
    #[napi(factory, catch_unwind)]
    pub fn open(path: String, read_only: bool, must_exist: bool) -> Result<Self> {
        let access = if read_only {
            Access::ReadOnly
        } else {
            Access::ReadWrite
        };
        let path = Path::new(&path);
        let store = if must_exist {
            Store::open_existing(path, access)
        } else {
            Store::open(path, access)
        };
        store
            .map(|store| Self {
                store: Some(store),
                turn: Turn::default(),
                told: Arc::default(),
                told_at_once: AtomicUsize::default(),
            })
            .map_err(|error| js_error(&error))
    }

    /// Registers the features and opens the page: with `live` the one that all processes with this database and
    /// environment share. Blocks.
    #[napi(catch_unwind)]
    pub fn open_page(&self, startup: NativeStartup, live: bool) -> Result<NativePage> {
        let store = self.store()?;
        let startup = Startup::from(startup);
        if live {
            let page = startup.open_live_with_store(store);
            page::open_live(page?)
        } else {
            let initial = startup.from_store(store);
            page::open_private(&initial?)
        }
    }

    /// Queues a snapshot of the page, taken now, to be persisted after the next `wake`, which answers; with `unless_same`
    /// only if the last revision does not hold the same.
    #[napi(catch_unwind)]
    pub fn persist(
        &self,
        handle: u32,
        environment: String,
        reason: String,
        actor: String,
        unless_same: bool,
        if_revision: Option<f64>,
    ) -> Result<()> {
        let page = page::page(handle)?;
        let store = self.store()?;
        let reply = Reply::new(store, self.turn.answer());
        store.submit(Job::Persist(Persist {
            environment,
            snapshot: page.snapshot(),
            page,
            reason,
            actor,
            unless_same,
            if_revision: if_revision.map(to_id),
            reply,
        }));
        Ok(())
    }

    /// Persists a snapshot of the page, taken now, and returns when it is on disk. What was queued before comes first. Blocks.
    #[napi(catch_unwind)]
    pub fn persist_sync(
        &self,
        handle: u32,
        environment: String,
        reason: String,
        actor: String,
        if_revision: Option<f64>,
    ) -> Result<Either<NativeFailure, NativeAnswer>> {
        let page = page::page(handle)?;
        let answer = self.store()?.persist_now(|reply| Persist {
            environment,
            snapshot: page.snapshot(),
            page,
            reason,
            actor,
            unless_same: false,
            if_revision: if_revision.map(to_id),
            reply,
        });
        match Report::of(answer, to_persisted).tell(&self.told_at_once) {
            Outcome::A(failure) => Ok(Either::A(failure)),
            Outcome::B(answer) => Ok(Either::B(answer)),
            _ => Err(js_error(&Error::Runtime {
                operation: "persist",
                detail: "the store gave another answer".to_owned(),
            })),
        }
    }

    /// Applies the last persisted state to the page.
    #[napi(catch_unwind, ts_return_type = "Promise<NativeFailure | NativeAnswer>")]
    pub fn load<'env>(
        &self,
        env: &'env Env,
        handle: u32,
        environment: String,
    ) -> Result<Object<'env>> {
        let page = page::page(handle)?;
        let (reply, promise) = self.reply(env, |entry: Option<Entry>| {
            entry.into_iter().map(to_entry).collect()
        })?;
        self.submit(Job::Load {
            environment,
            page,
            reply,
        })?;
        Ok(promise)
    }

    /// Appends a revision that repeats an earlier one, and applies it to the page.
    #[napi(catch_unwind, ts_return_type = "Promise<NativeFailure | NativeAnswer>")]
    pub fn rollback<'env>(
        &self,
        env: &'env Env,
        handle: u32,
        environment: String,
        to: Option<f64>,
        reason: Option<String>,
        actor: String,
        if_revision: Option<f64>,
    ) -> Result<Object<'env>> {
        let page = page::page(handle)?;
        let (reply, promise) = self.reply(env, |entry| vec![to_entry(entry)])?;
        self.submit(Job::Rollback {
            environment,
            page,
            to: to.map(to_id),
            reason,
            actor,
            if_revision: if_revision.map(to_id),
            reply,
        })?;
        Ok(promise)
    }

    /// Appends a revision that repeats the last one of another environment, and applies it to the page.
    #[napi(catch_unwind, ts_return_type = "Promise<NativeFailure | NativeAnswer>")]
    pub fn promote<'env>(
        &self,
        env: &'env Env,
        handle: u32,
        from: String,
        environment: String,
        reason: Option<String>,
        actor: String,
        if_revision: Option<f64>,
    ) -> Result<Object<'env>> {
        let page = page::page(handle)?;
        let (reply, promise) = self.reply(env, |entry| vec![to_entry(entry)])?;
        self.submit(Job::Promote {
            from,
            environment,
            page,
            reason,
            actor,
            if_revision: if_revision.map(to_id),
            reply,
        })?;
        Ok(promise)
    }

    /// Appends a revision with a given state of the features whose bits are in `known`, unless the last one holds the
    /// same, and applies it to the page.
    #[napi(catch_unwind, ts_return_type = "Promise<NativeFailure | NativeAnswer>")]
    pub fn apply<'env>(
        &self,
        env: &'env Env,
        handle: u32,
        environment: String,
        record: Vec<u8>,
        rollouts: Vec<u16>,
        known: u32,
        reason: String,
        actor: String,
        if_revision: Option<f64>,
    ) -> Result<Object<'env>> {
        let page = page::page(handle)?;
        let state = given_state(&record, &rollouts)?;
        let (reply, promise) = self.reply(env, |entry| vec![to_entry(entry)])?;
        let given = Given {
            environment,
            page,
            state,
            known,
            reason,
            actor,
            if_revision: if_revision.map(to_id),
        };
        self.submit(Job::Apply { given, reply })?;
        Ok(promise)
    }

    /// The newest revisions of an environment, newest first, or those before a given one.
    #[napi(catch_unwind, ts_return_type = "Promise<NativeFailure | NativeAnswer>")]
    pub fn history<'env>(
        &self,
        env: &'env Env,
        environment: String,
        limit: u32,
        before: Option<f64>,
    ) -> Result<Object<'env>> {
        let (reply, promise) = self.reply(env, |entries: Vec<Entry>| {
            entries.into_iter().map(to_entry).collect()
        })?;
        self.submit(Job::History {
            environment,
            limit,
            before: before.map(to_id),
            reply,
        })?;
        Ok(promise)
    }

    /// Two revisions of an environment.
    #[napi(catch_unwind, ts_return_type = "Promise<NativeFailure | NativeAnswer>")]
    pub fn compare<'env>(
        &self,
        env: &'env Env,
        environment: String,
        from: f64,
        to: f64,
    ) -> Result<Object<'env>> {
        let (reply, promise) = self.reply(env, |(from, to): (Revision, Revision)| {
            vec![to_revision(from), to_revision(to)]
        })?;
        self.submit(Job::Compare {
            environment,
            from: to_id(from),
            to: to_id(to),
            reply,
        })?;
        Ok(promise)
    }

    /// The database file, with symbolic links resolved.
    #[napi(getter, catch_unwind)]
    pub fn path(&self) -> Result<String> {
        Ok(self.store()?.path().to_string_lossy().into_owned())
    }

    /// Lets the store take everything that was queued, and resolves with what became of the persists since the last call,
    /// in their order. Called once a turn, so that all the persists of a turn share a transaction.
    #[napi(
        catch_unwind,
        ts_return_type = "Promise<Array<NativeFailure | NativeAnswer>>"
    )]
    pub fn wake<'env>(&mut self, env: &'env Env) -> Result<Object<'env>> {
        let turn = std::mem::take(&mut self.turn);
        // First, so that it works while the promise is made. Closing has woken it already.
        if let Some(store) = &self.store {
            store.wake();
        }
        turn.end(env, &self.told)
    }

    /// Lets go of the store. Resolves when everything queued so far is done and, if nobody else in the process uses
    /// the file, it is closed.
    #[napi(catch_unwind, ts_return_type = "Promise<NativeFailure | NativeAnswer>")]
    pub fn close<'env>(&mut self, env: &'env Env) -> Result<Object<'env>> {
        let (reply, promise) = self.reply(env, |()| Vec::new())?;
        if let Some(store) = self.store.take() {
            store.close(reply);
        }
        Ok(promise)
    }

    /// Transactions that wrote revisions, by this process, since it opened the file.
    #[napi(getter, catch_unwind)]
    pub fn commits(&self) -> Result<f64> {
        #[expect(clippy::cast_precision_loss, reason = "nobody commits 2^53 times")]
        self.store().map(|store| store.commits() as f64)
    }

    pub(super) fn store(&self) -> Result<&Store> {
        self.store.as_ref().ok_or_else(|| {
            js_error(&Error::Runtime {
                operation: "use a store",
                detail: "it was closed".to_owned(),
            })
        })
    }

    pub(super) fn submit(&self, job: Job) -> Result<()> {
        let store = self.store()?;
        store.submit(job);
        store.wake();
        Ok(())
    }

    /// A promise of revisions, and the store's way of settling it.
    fn reply<'env, T: 'static>(
        &self,
        env: &'env Env,
        convert: impl FnOnce(T) -> Vec<NativeRevision> + Send + 'static,
    ) -> Result<(Reply<T>, Object<'env>)> {
        self.settle(env, move |answer| Outcome::B(to_answer(answer, convert)))
    }

    /// A promise, and the store's way of settling it. The promise keeps the process running until it is settled.
    pub(super) fn settle<'env, T: 'static>(
        &self,
        env: &'env Env,
        convert: impl FnOnce(Answer<T>) -> Outcome + Send + 'static,
    ) -> Result<(Reply<T>, Object<'env>)> {
        let (deferred, promise): (JsDeferred<Outcome, Resolver>, _) = env
            .create_deferred()
            .map_err(runtime_error("create a promise"))?;
        let told = Arc::clone(&self.told);
        let callback = move |result: std::result::Result<Answer<T>, Error>| {
            let report = Report::of(result, convert);
            deferred.resolve(Box::new(move |_env| Ok(report.tell(&told))));
        };
        Ok((Reply::new(self.store()?, callback), promise))
    }
}

/// An outcome on its way to JavaScript.
pub(super) struct Report {
    outcome: Outcome,
    /// What may have to be told of with it.
    registry: Option<Registry>,
}

impl Report {
    pub(super) fn of<T>(
        result: std::result::Result<Answer<T>, Error>,
        convert: impl FnOnce(Answer<T>) -> Outcome,
    ) -> Self {
        match result {
            Ok(answer) => {
                let registry = Some(answer.registry.clone());
                let outcome = convert(answer);
                Self { outcome, registry }
            }
            Err(error) => Self {
                outcome: Outcome::A(NativeFailure {
                    code: error.code().as_ref().to_owned(),
                    message: error.to_string(),
                }),
                registry: None,
            },
        }
    }

    /// The outcome, with the names unless they were told before. Called in the order in which JavaScript gets the answers.
    pub(super) fn tell(mut self, told: &AtomicUsize) -> Outcome {
        if let (Outcome::B(answer), Some(registry)) = (&mut self.outcome, &self.registry) {
            let names = registry.names();
            if told.swap(names.len(), Relaxed) != names.len() {
                answer.names = Some(names.to_vec());
            }
        }
        self.outcome
    }
}

pub(super) fn to_persisted(answer: Answer<Entry>) -> Outcome {
    Outcome::B(to_answer(answer, |entry| vec![to_entry(entry)]))
}

fn to_answer<T>(answer: Answer<T>, convert: impl FnOnce(T) -> Vec<NativeRevision>) -> NativeAnswer {
    let Answer { value, registry } = answer;
    NativeAnswer {
        registry_hash: registry.hash(),
        names: None,
        revisions: convert(value),
    }
}

fn to_entry(entry: Entry) -> NativeRevision {
    NativeRevision {
        previous: entry.previous.map(to_state),
        ..to_revision(entry.revision)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "revisions and dates stay far below 2^53"
)]
fn to_revision(revision: Revision) -> NativeRevision {
    NativeRevision {
        revision: revision.id as f64,
        environment: revision.environment,
        state: to_state(revision.state),
        known: revision.known,
        reason: revision.reason,
        actor: revision.actor,
        created_at: revision.created_at as f64,
        restored_from: revision.restored_from.map(|id| id as f64),
        digest: hex(&revision.digest),
        previous: None,
    }
}

fn to_state(State { record, rollouts }: State) -> NativeState {
    NativeState {
        record: format!("0x{}", hex(&Record::encode(&record))),
        rollouts: to_rollouts(rollouts),
    }
}

fn given_state(record: &[u8], given: &[u16]) -> std::result::Result<State, Error> {
    let mut rollouts = FULL_ROLLOUTS;
    for (rollout, given) in rollouts.iter_mut().zip(given) {
        *rollout = *given;
    }
    Ok(State {
        record: Record::decode(record)?,
        rollouts,
    })
}

fn to_rollouts(rollouts: Rollouts) -> Option<Vec<u16>> {
    (rollouts != FULL_ROLLOUTS).then(|| rollouts.to_vec())
}

/// The facade passes whole numbers only.
#[expect(
    clippy::cast_possible_truncation,
    reason = "checked to be whole and below 2^53"
)]
fn to_id(number: f64) -> i64 {
    number as i64
}
