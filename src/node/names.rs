//! Checks of names, so that their rules live in the core alone.

use napi_derive::napi;

use super::Result;
use crate::feature_table::{ENVIRONMENT_NAME, FeatureTable};

/// Checks a list of feature names.
#[napi(catch_unwind)]
pub fn check_features(names: Vec<String>) -> Result<()> {
    FeatureTable::new(names)?;
    Ok(())
}

/// Whether a string can name an environment.
#[napi(catch_unwind)]
pub fn is_valid_environment(name: String) -> bool {
    ENVIRONMENT_NAME.allows(&name)
}
