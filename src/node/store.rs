//! The store: one object for each configuration with a database. Everything but opening answers later, through a
//! promise that resolves with the result or with a `NativeFailure`.

#![expect(
    clippy::too_many_arguments,
    reason = "numbers and strings cross the boundary faster than an object with them"
)]

use std::path::Path;
use std::sync::Arc;

use napi::bindgen_prelude::{Either, Object};
use napi::{Env, JsDeferred};
use napi_derive::napi;

use super::objects::{
    NativeAnswer, NativeFailure, NativeFormer, NativeRetired, NativeRevision, to_state,
};
use super::outcome::{Outcome, Report, Told};
use super::page::{
    self, NativeEdits, NativeGiven, NativeNotes, NativePage, NativeStartup, to_bits,
};
use super::persist_batch::PersistBatch;
use super::{Result, js_error, runtime_error};
use crate::bits::BANKS;
use crate::error::Error;
use crate::feature_table::FeatureTable;
use crate::page::{Edits, FULL_ROLLOUTS, State};
use crate::record::Terminal;
use crate::startup::Startup;
use crate::store::{
    Access, Answer, Entry, Job, Kind, Persist, Reply, Restore, Retired, Revision, Source, Store,
    hex,
};

type Resolver = Box<dyn FnOnce(Env) -> napi::Result<Outcome> + Send>;

/// A configuration's hold on the store of a database file. The store closes when the last hold is gone.
#[napi]
pub struct NativeStore {
    /// `None` once closed.
    store: Option<Store>,
    /// The persists since the last `wake`.
    batch: PersistBatch,
    /// The names of the last answer.
    told: Arc<Told>,
    /// The same for answers of `persist_sync`, which overtake those that are on their way through the event loop.
    told_at_once: Told,
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
                batch: PersistBatch::default(),
                told: Arc::default(),
                told_at_once: Told::default(),
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
            page::open_private(&initial?, true)
        }
    }

    /// Has others' revisions put on the page from now on. Blocks.
    #[napi(catch_unwind)]
    pub fn follow(&self, handle: u32, environment: String) -> Result<()> {
        let page = page::page(handle)?;
        Ok(self.store()?.follow(&environment, &page)?)
    }

    /// What programs have said of the feature with this bit. Blocks.
    #[napi(catch_unwind)]
    pub fn notes(&self, bit: u32) -> Result<NativeNotes> {
        Ok(self.store()?.notes(bit as usize)?.into())
    }

    /// The retired names, the longest retired first. Blocks.
    #[napi(catch_unwind)]
    pub fn retired(&self) -> Result<Vec<NativeRetired>> {
        let retired = self.store()?.retired()?.into_iter();
        Ok(retired
            .map(|Retired { name, bit, at }| NativeRetired {
                name,
                bit: u32::try_from(bit).unwrap_or(u32::MAX),
                #[expect(clippy::cast_precision_loss, reason = "dates stay far below 2^53")]
                at: at as f64,
            })
            .collect())
    }

    /// Forgets the retired names, and returns them. Blocks.
    #[napi(catch_unwind)]
    pub fn compact(&self, actor: String) -> Result<Vec<String>> {
        Ok(self.store()?.compact(&actor)?.forgotten)
    }

    /// Whether the page's bits belong to the names that the database has now. Blocks.
    #[napi(catch_unwind)]
    pub fn has_names_of(&self, handle: u32) -> Result<bool> {
        let page = page::page(handle)?;
        Ok(self.store()?.epoch()? == page.epoch())
    }

    /// Retires features by their bits, and records that. They have to be off everywhere, unless it is `forced`.
    #[napi(catch_unwind, ts_return_type = "Promise<NativeFailure | NativeAnswer>")]
    pub fn retire<'env>(
        &self,
        env: &'env Env,
        handle: u32,
        environment: String,
        bits: Vec<u32>,
        forced: bool,
        reason: Option<String>,
        actor: String,
        if_revision: Option<f64>,
    ) -> Result<Object<'env>> {
        let bits = bits.into_iter().map(|bit| bit as usize).collect();
        let source = Source::Retire { bits, forced };
        self.restore(env, handle, environment, source, reason, actor, if_revision)
    }

    /// Takes that back, and records it.
    #[napi(catch_unwind, ts_return_type = "Promise<NativeFailure | NativeAnswer>")]
    pub fn revive<'env>(
        &self,
        env: &'env Env,
        handle: u32,
        environment: String,
        bits: Vec<u32>,
        reason: Option<String>,
        actor: String,
        if_revision: Option<f64>,
    ) -> Result<Object<'env>> {
        let bits = bits.into_iter().map(|bit| bit as usize).collect();
        let source = Source::Revive { bits };
        self.restore(env, handle, environment, source, reason, actor, if_revision)
    }

    /// The features of the database as last seen, for a page.
    #[napi(catch_unwind)]
    pub fn features(&self, handle: u32) -> Result<NativePage> {
        Ok(page::to_native(
            handle,
            &page::page(handle)?,
            &self.store()?.table(),
        ))
    }

    /// Queues a snapshot of the page, taken now, to be persisted after the next `wake`, which answers; with
    /// `unless_same` only if the last revision does not hold the same.
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
        let reply = store.reply(self.batch.answer(to_persisted));
        store.submit(Job::Persist(Persist {
            environment,
            snapshot: page.take_snapshot().into(),
            page,
            reason,
            actor,
            unless_same,
            if_revision: if_revision.map(to_id),
            reply,
        }));
        Ok(())
    }

    /// Persists a snapshot of the page, taken now, and returns when it is on disk. What was queued before comes first.
    /// Blocks.
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
            snapshot: page.take_snapshot().into(),
            page,
            reason,
            actor,
            unless_same: false,
            if_revision: if_revision.map(to_id),
            reply,
        });
        match Report::of(answer, to_persisted).tell(&self.told_at_once) {
            Outcome::Failure(failure) => Ok(Either::A(failure)),
            Outcome::Answer(answer) => Ok(Either::B(answer)),
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
        let (reply, promise) = self.reply(env, |entry: Option<Entry>, table| {
            entry
                .into_iter()
                .map(|entry| to_entry(entry, table))
                .collect()
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
        let source = Source::Earlier(to.map(to_id));
        self.restore(env, handle, environment, source, reason, actor, if_revision)
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
        let source = Source::Environment(from);
        self.restore(env, handle, environment, source, reason, actor, if_revision)
    }

    /// Appends a revision with a given state, unless the last one holds the same, and applies it to the page.
    #[napi(catch_unwind, ts_return_type = "Promise<NativeFailure | NativeAnswer>")]
    pub fn apply<'env>(
        &self,
        env: &'env Env,
        handle: u32,
        environment: String,
        given: NativeGiven,
        reason: String,
        actor: String,
        if_revision: Option<f64>,
    ) -> Result<Object<'env>> {
        let source = to_source(&given);
        self.restore(
            env,
            handle,
            environment,
            source,
            Some(reason),
            actor,
            if_revision,
        )
    }

    /// Appends a revision with some changes of the state in effect, and applies them to the page.
    #[napi(catch_unwind, ts_return_type = "Promise<NativeFailure | NativeAnswer>")]
    pub fn commit<'env>(
        &self,
        env: &'env Env,
        handle: u32,
        environment: String,
        edits: NativeEdits,
        reason: String,
        actor: String,
        if_revision: Option<f64>,
    ) -> Result<Object<'env>> {
        let source = Source::Edits(Edits::from(&edits));
        self.restore(
            env,
            handle,
            environment,
            source,
            Some(reason),
            actor,
            if_revision,
        )
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
        let (reply, promise) = self.reply(env, |entries: Vec<Entry>, table| {
            let entries = entries.into_iter();
            entries.map(|entry| to_entry(entry, table)).collect()
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
        let (reply, promise) = self.reply(env, |(from, to): (Revision, Revision), table| {
            vec![to_revision(from, table), to_revision(to, table)]
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

    /// Lets the store take everything that was queued, and resolves with what became of the persists since the last
    /// call, in their order. Called once a turn, so that all the persists of a turn share a transaction.
    #[napi(
        catch_unwind,
        ts_return_type = "Promise<Array<NativeFailure | NativeAnswer>>"
    )]
    pub fn wake<'env>(&mut self, env: &'env Env) -> Result<Object<'env>> {
        let batch = std::mem::take(&mut self.batch);
        // First, so that it works while the promise is made. Closing has woken it already.
        if let Some(store) = &self.store {
            store.wake();
        }
        batch.end(env, &self.told)
    }

    /// Releases the store. Resolves when everything queued so far is done and, if nothing else in the process uses
    /// the file, it is closed.
    #[napi(catch_unwind, ts_return_type = "Promise<NativeFailure | NativeAnswer>")]
    pub fn close<'env>(&mut self, env: &'env Env) -> Result<Object<'env>> {
        let (reply, promise) = self.reply(env, |(), _| Vec::new())?;
        if let Some(store) = self.store.take() {
            store.close(reply);
        }
        Ok(promise)
    }

    pub(super) fn store(&self) -> Result<&Store> {
        self.store.as_ref().ok_or_else(|| {
            js_error(&Error::Runtime {
                operation: "use a store",
                detail: "it was closed".to_owned(),
            })
        })
    }

    fn restore<'env>(
        &self,
        env: &'env Env,
        handle: u32,
        environment: String,
        source: Source,
        reason: Option<String>,
        actor: String,
        if_revision: Option<f64>,
    ) -> Result<Object<'env>> {
        let page = page::page(handle)?;
        let (reply, promise) = self.reply(env, |entry, table| vec![to_entry(entry, table)])?;
        self.submit(Job::Restore(Restore {
            environment,
            page,
            source,
            reason,
            actor,
            if_revision: if_revision.map(to_id),
            reply,
        }))?;
        Ok(promise)
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
        convert: impl FnOnce(T, &FeatureTable) -> Vec<NativeRevision> + Send + 'static,
    ) -> Result<(Reply<T>, Object<'env>)> {
        self.settle(env, move |answer| {
            Outcome::Answer(to_answer(answer, convert))
        })
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
        Ok((self.store()?.reply(callback), promise))
    }
}

fn to_persisted(answer: Answer<Entry>) -> Outcome {
    Outcome::Answer(to_answer(answer, |entry, table| {
        vec![to_entry(entry, table)]
    }))
}

fn to_answer<T>(
    answer: Answer<T>,
    convert: impl FnOnce(T, &FeatureTable) -> Vec<NativeRevision>,
) -> NativeAnswer {
    let Answer { value, table } = answer;
    NativeAnswer {
        retired: Vec::new(),
        changes: table.changes(),
        registry_hashes: table.hashes().to_vec(),
        names: None,
        revisions: convert(value, &table),
    }
}

fn to_entry(entry: Entry, table: &FeatureTable) -> NativeRevision {
    let moved = entry.previous_epoch != entry.revision.epoch;
    let banks = if moved { BANKS } else { entry.revision.banks() };
    NativeRevision {
        previous: entry.previous.map(|state| to_state(&state, banks)),
        previous_former: moved.then(|| to_former(table, entry.previous_epoch)),
        ..to_revision(entry.revision, table)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "revisions and dates stay far below 2^53"
)]
fn to_revision(revision: Revision, table: &FeatureTable) -> NativeRevision {
    let state = to_state(&revision.state, revision.banks());
    NativeRevision {
        revision: revision.id as f64,
        environment: revision.environment,
        state,
        reason: revision.reason,
        actor: revision.actor,
        created_at: revision.created_at as f64,
        restored_from: revision.restored_from.map(|id| id as f64),
        is_commit: revision.kind == Kind::Commit,
        former: Some(to_former(table, revision.epoch)).filter(|former| !former.is_empty()),
        digest: hex(&revision.digest),
        previous: None,
        previous_former: None,
    }
}

fn to_source(given: &NativeGiven) -> Source {
    let mut rollouts = FULL_ROLLOUTS;
    for (rollout, given) in rollouts.iter_mut().zip(&given.rollouts) {
        *rollout = *given;
    }
    let state = State {
        flags: to_bits(&given.flags),
        terminal: Terminal::from_word(given.terminal),
        rollouts,
        ..State::EMPTY
    };
    Source::Given {
        state: Box::new(state),
        known: to_bits(&given.known),
    }
}

fn to_former(table: &FeatureTable, epoch: u32) -> Vec<NativeFormer> {
    let former = table.former_at(epoch).into_iter();
    former
        .filter_map(|(bit, name)| {
            Some(NativeFormer {
                bit: u32::try_from(bit).ok()?,
                name: name.to_owned(),
            })
        })
        .collect()
}

/// The facade passes whole numbers only.
#[expect(
    clippy::cast_possible_truncation,
    reason = "checked to be whole and below 2^53"
)]
fn to_id(number: f64) -> i64 {
    number as i64
}
