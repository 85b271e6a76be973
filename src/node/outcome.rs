//! What a promise of the store resolves with.

#![expect(
    unsafe_code,
    reason = "napi's trait for conversions has an unsafe method"
)]

use std::sync::Mutex;

use napi::bindgen_prelude::{JsValue, ToNapiValue};
use napi::{Env, sys};

use super::objects::{
    NativeAnswer, NativeBackupProgress, NativeEnvironments, NativeFailure, NativeFileState,
    NativeHistoryEnd, NativePruneProgress, NativeVerifyProgress,
};
use super::page::bits_of;
use crate::error::Error;
use crate::feature_table::FeatureTable;
use crate::store::Answer;
use crate::sync::lock;

/// What any operation resolves with. One type for all of them, since each type costs a promise of its own in code.
pub enum Outcome {
    Failure(NativeFailure),
    Answer(NativeAnswer),
    Verify(NativeVerifyProgress),
    Prune(NativePruneProgress),
    Backup(NativeBackupProgress),
    Files(NativeFileState),
    HistoryEnd(NativeHistoryEnd),
    Environments(NativeEnvironments),
}

impl ToNapiValue for Outcome {
    unsafe fn to_napi_value(env: sys::napi_env, value: Self) -> napi::Result<sys::napi_value> {
        let env = &Env::from_raw(env);
        let converted = match value {
            Self::Failure(value) => value.into_unknown(env),
            Self::Answer(value) => value.into_unknown(env),
            Self::Verify(value) => value.into_unknown(env),
            Self::Prune(value) => value.into_unknown(env),
            Self::Backup(value) => value.into_unknown(env),
            Self::Files(value) => value.into_unknown(env),
            Self::HistoryEnd(value) => value.into_unknown(env),
            Self::Environments(value) => value.into_unknown(env),
        };
        Ok(converted?.raw())
    }
}

impl From<&Error> for NativeFailure {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code().as_ref().to_owned(),
            message: error.to_string(),
        }
    }
}

/// Which names JavaScript was told last.
#[derive(Debug, Default)]
pub struct Told(Mutex<(usize, u32)>);

impl Told {
    /// Whether it was told others. Names are only ever added while the database is open, and retired ones are counted, so two
    /// numbers identify them.
    fn is_new(&self, table: &FeatureTable) -> bool {
        let now = (table.names().len(), table.changes());
        let before = std::mem::replace(&mut *lock(&self.0), now);
        before != now
    }
}

/// An outcome on its way to JavaScript.
pub struct Report {
    outcome: Outcome,
    /// The feature table, whose names may have to go with it.
    table: Option<FeatureTable>,
}

impl Report {
    pub fn of<T>(
        result: std::result::Result<Answer<T>, Error>,
        convert: impl FnOnce(Answer<T>) -> Outcome,
    ) -> Self {
        match result {
            Ok(answer) => {
                let table = Some(answer.table.clone());
                let outcome = convert(answer);
                Self { outcome, table }
            }
            Err(error) => Self {
                outcome: Outcome::Failure(NativeFailure::from(&error)),
                table: None,
            },
        }
    }

    /// The outcome, with the names unless an earlier answer had them. Must be called in the order in which JavaScript
    /// gets the answers.
    pub fn tell(mut self, told: &Told) -> Outcome {
        if let (Outcome::Answer(answer), Some(table)) = (&mut self.outcome, &self.table)
            && told.is_new(table)
        {
            answer.names = Some(table.names().to_vec());
            answer.retired = bits_of(table.retired());
        }
        self.outcome
    }
}
