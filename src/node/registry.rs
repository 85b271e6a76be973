//! Checks of names and records, so that their rules live in the core alone.

use napi_derive::napi;

use super::Result;
use crate::record::Record;
use crate::registry::{Registry, is_environment_name};

/// Checks a list of feature names.
#[napi(catch_unwind)]
pub fn check_features(names: Vec<String>) -> Result<()> {
    Registry::new(names)?;
    Ok(())
}

/// Whether a string can name an environment.
#[napi(catch_unwind)]
pub fn is_valid_environment(name: String) -> bool {
    is_environment_name(&name)
}

/// A sentence for each field of these 13 bytes that is out of range, when the features in `known` exist.
#[napi(catch_unwind)]
pub fn record_problems(record: &[u8], known: u32) -> Result<Vec<String>> {
    let problems = Record::decode(record)?.problems(known);
    Ok(problems.iter().map(ToString::to_string).collect())
}
