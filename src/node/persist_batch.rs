//! The persists of one turn of the event loop, which are answered together: they share a transaction, and a promise of
//! its own costs each of them more than the rest of the way back.

use std::sync::{Arc, Mutex};

use napi::bindgen_prelude::Object;
use napi::{Env, JsDeferred};

use super::outcome::{Outcome, Report, Told};
use super::{Result, runtime_error};
use crate::error::Error;
use crate::store::{Answer, Entry};
use crate::sync::lock;

/// One for each persist, in their order; `None` until it is there.
type Reports = Vec<Option<Report>>;
type Outcomes = Vec<Option<Outcome>>;
type Resolver = Box<dyn FnOnce(Env) -> napi::Result<Outcomes> + Send>;
type Deferred = JsDeferred<Outcomes, Resolver>;

/// Persists that wait for their answers.
#[derive(Default)]
pub struct PersistBatch {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    reports: Reports,
    missing: usize,
    /// Set once the turn is over.
    resolve: Option<Box<dyn FnOnce(Reports) + Send>>,
}

impl State {
    fn resolve_if_complete(&mut self) {
        if self.missing == 0
            && let Some(resolve) = self.resolve.take()
        {
            resolve(std::mem::take(&mut self.reports));
        }
    }
}

impl PersistBatch {
    /// Where one more persist is answered.
    pub fn answer(
        &self,
        convert: fn(Answer<Entry>) -> Outcome,
    ) -> impl FnOnce(std::result::Result<Answer<Entry>, Error>) + Send + 'static {
        let state = Arc::clone(&self.state);
        let index = {
            let mut state = lock(&state);
            state.reports.push(None);
            state.missing += 1;
            state.reports.len() - 1
        };
        move |result| {
            let report = Report::of(result, convert);
            let mut state = lock(&state);
            if let Some(place) = state.reports.get_mut(index) {
                *place = Some(report);
            }
            state.missing -= 1;
            state.resolve_if_complete();
        }
    }

    /// A promise of all the answers. It keeps the process running until it is settled.
    pub fn end<'env>(self, env: &'env Env, told: &Arc<Told>) -> Result<Object<'env>> {
        let (deferred, promise): (Deferred, _) = env
            .create_deferred()
            .map_err(runtime_error("create a promise"))?;
        let told = Arc::clone(told);
        let mut state = lock(&self.state);
        state.resolve = Some(Box::new(move |reports| {
            deferred.resolve(Box::new(move |_env| {
                let tell = |report: Report| report.tell(&told);
                Ok(reports.into_iter().map(|report| report.map(tell)).collect())
            }));
        }));
        state.resolve_if_complete();
        Ok(promise)
    }
}
