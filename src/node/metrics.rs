//! What was measured. Everything is read on the calling thread, without waiting for the store.

use napi::bindgen_prelude::ClassInstance;
use napi_derive::napi;

use super::distribution::{NativeLag, NativeSummary, to_count, to_number, to_summary};
use super::store::NativeStore;
use super::{Result, js_error};
use crate::distribution::{Lag, Summary};
use crate::openmetrics::{self, ConfigMetrics, Database, FeatureMetrics, OperationMetrics};

/// How many operations ended with an error.
#[napi(object)]
pub struct NativeErrorCount {
    /// Its stable code.
    pub code: String,
    /// How many.
    pub count: f64,
}

/// How the store of a file is, and how it went since this process opened it. Times are nanoseconds.
#[napi(object)]
pub struct NativeStoreMetrics {
    /// How long acknowledged persists of the environment took.
    pub persists: NativeSummary,
    /// Persists of the environment that failed.
    pub failed_persists: f64,
    /// Persists of the environment that were refused.
    pub refused_persists: f64,
    /// How many revisions transactions wrote.
    pub commits: NativeSummary,
    /// How long those took.
    pub commit_times: NativeSummary,
    /// Failures by code.
    pub errors: Vec<NativeErrorCount>,
    /// Operations without an answer so far.
    pub pending: f64,
    /// How often the file was opened again.
    pub reopenings: f64,
    /// The size of the database, if it can be determined.
    pub database_bytes: Option<f64>,
    /// The size of its write-ahead log.
    pub log_bytes: Option<f64>,
    /// What may still be written there, where that is known.
    pub free_bytes: Option<f64>,
}

/// A feature.
#[napi(object)]
pub struct NativeFeatureMetrics {
    /// Its name.
    pub name: String,
    /// Whether it is on.
    pub is_enabled: bool,
    /// The part of all keys that it is on for, 0 to 1.
    pub rollout: f64,
}

/// How the calls of an operation went.
#[napi(object)]
pub struct NativeOperationMetrics {
    /// Its name.
    pub name: String,
    /// How many there were.
    pub calls: f64,
    /// How long they took together.
    pub seconds: f64,
}

/// What a configuration knows of itself.
#[napi(object)]
pub struct NativeConfigMetrics {
    /// Its environment.
    pub environment: String,
    /// How long there has been this configuration.
    pub uptime_seconds: f64,
    /// The page's count of changes.
    pub generation: u32,
    /// The last persisted revision.
    pub revision: Option<f64>,
    /// The features there are.
    pub features: Vec<NativeFeatureMetrics>,
    /// Effective changes made through it.
    pub writes: f64,
    /// Changes that its listeners were notified of, all of which it had made itself.
    pub own_changes: f64,
    /// The others that its listeners were notified of.
    pub foreign_changes: f64,
    /// Listeners now.
    pub listeners: u32,
    /// Whether persisting fails although it is wanted; left out when it is not wanted.
    pub is_degraded: Option<bool>,
    /// Its operations, while it takes their time.
    pub operations: Vec<NativeOperationMetrics>,
}

#[napi]
impl NativeStore {
    /// How the store is, and how the persists of an environment went.
    #[napi(catch_unwind)]
    pub fn metrics(&self, environment: String) -> Result<NativeStoreMetrics> {
        let metrics = self.store()?.metrics(&environment);
        Ok(NativeStoreMetrics {
            persists: to_summary(&metrics.persists),
            failed_persists: to_number(metrics.failed_persists),
            refused_persists: to_number(metrics.refused_persists),
            commits: to_summary(&metrics.commits),
            commit_times: to_summary(&metrics.commit_times),
            errors: metrics
                .errors
                .into_iter()
                .map(|(code, count)| NativeErrorCount {
                    code,
                    count: to_number(count),
                })
                .collect(),
            pending: to_number(metrics.pending),
            reopenings: to_number(metrics.reopenings),
            database_bytes: metrics.database_bytes.map(to_number),
            log_bytes: metrics.log_bytes.map(to_number),
            free_bytes: metrics.free_bytes.map(to_number),
        })
    }

    /// As `metrics_text`, with the store.
    #[napi(catch_unwind)]
    pub fn metrics_text(
        &self,
        config: NativeConfigMetrics,
        lag: Option<ClassInstance<NativeLag>>,
    ) -> Result<String> {
        let store = self.store()?;
        let database = Database {
            path: store.path().to_string_lossy().into_owned(),
            metrics: store.metrics(&config.environment),
        };
        write(config, lag.as_deref(), Some(database))
    }
}

/// Everything in the text format of OpenMetrics, of a configuration without a store. `lag` is there once it has had
/// listeners.
#[napi(catch_unwind)]
pub fn metrics_text(
    config: NativeConfigMetrics,
    lag: Option<ClassInstance<NativeLag>>,
) -> Result<String> {
    write(config, lag.as_deref(), None)
}

fn write(
    config: NativeConfigMetrics,
    lag: Option<&NativeLag>,
    database: Option<Database>,
) -> Result<String> {
    let lag = match lag {
        Some(lag) => lag.lag().summary(),
        None => Lag::default().summary(),
    };
    openmetrics::write(to_config(config, lag), database).map_err(|error| js_error(&error))
}

fn to_config(config: NativeConfigMetrics, lag: Summary) -> ConfigMetrics {
    ConfigMetrics {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        environment: config.environment,
        uptime_seconds: config.uptime_seconds,
        generation: config.generation,
        revision: config.revision.map(to_count),
        features: config
            .features
            .into_iter()
            .map(|feature| FeatureMetrics {
                name: feature.name,
                is_enabled: feature.is_enabled,
                rollout: feature.rollout,
            })
            .collect(),
        writes: to_count(config.writes),
        own_changes: to_count(config.own_changes),
        foreign_changes: to_count(config.foreign_changes),
        listeners: u64::from(config.listeners),
        lag,
        is_degraded: config.is_degraded,
        operations: config
            .operations
            .into_iter()
            .map(|operation| OperationMetrics {
                name: operation.name,
                calls: to_count(operation.calls),
                seconds: operation.seconds,
            })
            .collect(),
    }
}
