//! What a configuration and its store have measured, in the text format of OpenMetrics 1.0.
//!
//! What belongs to one configuration has the label `environment`. What belongs to the store of a file, which all
//! configurations of a process with that file share, has the label `database` instead: it must not be added up over
//! them.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelValue, EncodeMetric, MetricEncoder, NoLabelSet, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use crate::distribution::Summary;
use crate::error::Error;
use crate::store::StoreMetrics;

/// What every name begins with.
const PREFIX: &str = "config13byte";

const NANOSECONDS: f64 = 1e9;

/// A configuration, as it is and as it went.
#[derive(Clone, Debug, Default)]
pub struct ConfigMetrics {
    /// Version of the package.
    pub version: String,
    /// Its environment.
    pub environment: String,
    /// How long there has been this configuration.
    pub uptime_seconds: f64,
    /// The page's count of changes.
    pub generation: u32,
    /// The last persisted revision.
    pub revision: Option<u64>,
    /// The features there are.
    pub features: Vec<FeatureMetrics>,
    /// Effective changes made through it.
    pub writes: u64,
    /// Changes that its listeners were notified of, all of which it had made itself.
    pub own_changes: u64,
    /// The others that its listeners were notified of.
    pub foreign_changes: u64,
    /// Listeners now.
    pub listeners: u64,
    /// How long after changes they were called, in nanoseconds.
    pub lag: Summary,
    /// Whether persisting fails although it is wanted; `None` when it is not wanted.
    pub is_degraded: Option<bool>,
    /// Its operations, while it takes their time.
    pub operations: Vec<OperationMetrics>,
}

/// A feature.
#[derive(Clone, Debug)]
pub struct FeatureMetrics {
    /// Its name.
    pub name: String,
    /// Whether it is on.
    pub is_enabled: bool,
    /// The part of all keys that it is on for while it is on, 0 to 1.
    pub rollout: f64,
}

/// How the calls of an operation went.
#[derive(Clone, Debug)]
pub struct OperationMetrics {
    /// Its name.
    pub name: String,
    /// How many there were.
    pub calls: u64,
    /// How long they took together.
    pub seconds: f64,
}

/// The store of a configuration, with its file.
#[derive(Clone, Debug)]
pub struct Database {
    /// The file.
    pub path: String,
    /// How it is and how it went.
    pub metrics: StoreMetrics,
}

/// Writes everything down, up to `# EOF`.
pub fn write(config: ConfigMetrics, database: Option<Database>) -> Result<String, Error> {
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register_collector(Box::new(Exposition { config, database }));
    let mut text = String::new();
    text::encode(&mut text, &registry).map_err(|error| Error::Runtime {
        operation: "write the metrics",
        detail: error.to_string(),
    })?;
    Ok(text)
}

#[derive(Debug)]
struct Exposition {
    config: ConfigMetrics,
    database: Option<Database>,
}

impl Collector for Exposition {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families { encoder };
        write_config(&mut families, &self.config)?;
        write_features(&mut families, &self.config)?;
        write_operations(&mut families, &self.config)?;
        match &self.database {
            Some(database) => write_store(&mut families, &self.config.environment, database),
            None => Ok(()),
        }
    }
}

fn write_config(families: &mut Families<'_>, config: &ConfigMetrics) -> fmt::Result {
    let environment = config.environment.as_str();
    let labels = vec![("environment", environment)];
    families.info(
        "build",
        "The version of 13byte-config.",
        &vec![
            ("environment", environment),
            ("version", config.version.as_str()),
        ],
    )?;
    families.gauge(
        "uptime",
        "How long there has been this config.",
        Some(&Unit::Seconds),
        [(labels.clone(), config.uptime_seconds)],
    )?;
    families.gauge(
        "generation",
        "Changes of the state, by any thread or process. Wraps at 2^32, and takes a large step at a rollback.",
        None,
        [(labels.clone(), config.generation)],
    )?;
    families.gauge(
        "revision",
        "The last persisted revision.",
        None,
        config.revision.map(|revision| (labels.clone(), revision)),
    )?;
    families.counter(
        "writes",
        "Changes of the state made through this config.",
        None,
        [(labels.clone(), config.writes)],
    )?;
    let changes = |origin| vec![("environment", environment), ("origin", origin)];
    families.counter(
        "changes",
        "Changes that the listeners of this config were notified of, by origin.",
        None,
        [
            (changes("local"), config.own_changes),
            (changes("foreign"), config.foreign_changes),
        ],
    )?;
    families.gauge(
        "listeners",
        "Listeners of this config now.",
        None,
        [(labels.clone(), config.listeners)],
    )?;
    families.histogram(
        "listener_lag",
        "From a change to the call of this config's listeners.",
        Some((&Unit::Seconds, NANOSECONDS)),
        labels.clone(),
        &config.lag,
    )?;
    families.gauge(
        "store_degraded",
        "1 while changes are not persisted although they should be.",
        None,
        config
            .is_degraded
            .map(|is_degraded| (labels, u32::from(is_degraded))),
    )
}

fn write_features(families: &mut Families<'_>, config: &ConfigMetrics) -> fmt::Result {
    let labels = |feature: &FeatureMetrics| {
        vec![
            ("environment", config.environment.clone()),
            ("feature", feature.name.clone()),
        ]
    };
    let enabled = |feature| (labels(feature), u32::from(feature.is_enabled));
    families.gauge(
        "feature_enabled",
        "1 while the feature is on.",
        None,
        config.features.iter().map(enabled),
    )?;
    families.gauge(
        "feature_rollout",
        "The part of all keys that the feature is on for while it is on.",
        Some(&Unit::Other("ratio".to_owned())),
        config
            .features
            .iter()
            .map(|feature| (labels(feature), feature.rollout)),
    )
}

fn write_operations(families: &mut Families<'_>, config: &ConfigMetrics) -> fmt::Result {
    let labels = |operation: &OperationMetrics| {
        vec![
            ("environment", config.environment.clone()),
            ("operation", operation.name.clone()),
        ]
    };
    families.counter(
        "operations",
        "Calls of this config's methods, with debugMode.",
        None,
        config
            .operations
            .iter()
            .map(|operation| (labels(operation), operation.calls)),
    )?;
    families.counter(
        "operation",
        "How long calls of this config's methods took together, with debugMode.",
        Some(&Unit::Seconds),
        config
            .operations
            .iter()
            .map(|operation| (labels(operation), operation.seconds)),
    )
}

fn write_store(families: &mut Families<'_>, environment: &str, database: &Database) -> fmt::Result {
    let Database { path, metrics } = database;
    let path = path.as_str();
    let labels = || vec![("database", path)];
    let persists = |outcome| {
        vec![
            ("database", path),
            ("environment", environment),
            ("outcome", outcome),
        ]
    };
    families.counter(
        "persists",
        "Persists of this environment by this process.",
        None,
        [
            (persists("ok"), metrics.persists.count),
            (persists("failed"), metrics.failed_persists),
            (persists("refused"), metrics.refused_persists),
        ],
    )?;
    families.histogram(
        "persist_duration",
        "From a persist of this environment to its acknowledgement, which it gets when it is on disk.",
        Some((&Unit::Seconds, NANOSECONDS)),
        vec![("database", path), ("environment", environment)],
        &metrics.persists,
    )?;
    families.histogram(
        "commit_revisions",
        "Revisions that a transaction of this process wrote.",
        None,
        labels(),
        &metrics.commits,
    )?;
    families.histogram(
        "commit_duration",
        "How long a transaction that wrote revisions took, with its sync to disk.",
        Some((&Unit::Seconds, NANOSECONDS)),
        labels(),
        &metrics.commit_times,
    )?;
    let code = |code: &String| vec![("code", code.clone()), ("database", path.to_owned())];
    families.counter(
        "store_errors",
        "Operations of this process on the database that failed, by error code.",
        None,
        metrics
            .errors
            .iter()
            .map(|(error, count)| (code(error), *count)),
    )?;
    families.gauge(
        "store_pending_operations",
        "Operations of this process on the database that wait or are under way.",
        None,
        [(labels(), metrics.pending)],
    )?;
    families.counter(
        "store_reopenings",
        "How often this process opened the database again, after trouble or for a first writer.",
        None,
        [(labels(), metrics.reopenings)],
    )?;
    for (name, help, bytes) in [
        ("database", "Size of the database.", metrics.database_bytes),
        ("wal", "Size of the write-ahead log.", metrics.log_bytes),
        (
            "disk_free",
            "What may still be written where the database is.",
            metrics.free_bytes,
        ),
    ] {
        let sample = bytes.map(|bytes| (labels(), bytes));
        families.gauge(name, help, Some(&Unit::Bytes), sample)?;
    }
    Ok(())
}

type Labels<V> = Vec<(&'static str, V)>;

/// Writes families of metrics. One without samples is left out.
struct Families<'e> {
    encoder: DescriptorEncoder<'e>,
}

impl Families<'_> {
    fn gauge<V, N>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        samples: impl IntoIterator<Item = (Labels<V>, N)>,
    ) -> fmt::Result
    where
        V: EncodeLabelValue,
        ConstGauge<N>: EncodeMetric,
    {
        let samples = samples
            .into_iter()
            .map(|(labels, value)| (labels, ConstGauge::new(value)));
        self.family(name, help, unit, MetricType::Gauge, samples)
    }

    fn counter<V, N>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        samples: impl IntoIterator<Item = (Labels<V>, N)>,
    ) -> fmt::Result
    where
        V: EncodeLabelValue,
        ConstCounter<N>: EncodeMetric,
    {
        let samples = samples
            .into_iter()
            .map(|(labels, value)| (labels, ConstCounter::new(value)));
        self.family(name, help, unit, MetricType::Counter, samples)
    }

    fn histogram(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<(&Unit, f64)>,
        labels: Labels<&str>,
        summary: &Summary,
    ) -> fmt::Result {
        let (unit, scale) = match unit {
            Some((unit, scale)) => (Some(unit), scale),
            None => (None, 1.0),
        };
        let histogram = Buckets { summary, scale };
        self.family(
            name,
            help,
            unit,
            MetricType::Histogram,
            [(labels, histogram)],
        )
    }

    fn info(&mut self, name: &str, help: &str, labels: &Labels<&str>) -> fmt::Result {
        self.encoder
            .encode_descriptor(name, help, None, MetricType::Info)?
            .encode_info(labels)
    }

    fn family<V, M>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        kind: MetricType,
        samples: impl IntoIterator<Item = (Labels<V>, M)>,
    ) -> fmt::Result
    where
        V: EncodeLabelValue,
        M: EncodeMetric,
    {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return Ok(());
        }
        let mut family = self.encoder.encode_descriptor(name, help, unit, kind)?;
        for (labels, metric) in samples {
            metric.encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// A summary as a histogram. Its numbers are divided by `scale`.
struct Buckets<'s> {
    summary: &'s Summary,
    scale: f64,
}

impl EncodeMetric for Buckets<'_> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let Self { summary, scale } = self;
        let mut above = summary.count;
        let mut buckets = Vec::with_capacity(summary.buckets.len() + 1);
        for (bound, count) in &summary.buckets {
            above = above.saturating_sub(*count);
            buckets.push((scaled(*bound, *scale), *count));
        }
        buckets.push((f64::INFINITY, above));
        let sum = scaled(summary.sum, *scale);
        encoder.encode_histogram::<NoLabelSet>(sum, summary.count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a sum of 104 days in nanoseconds is exact, and a longer one in every digit that counts"
)]
fn scaled(number: u64, scale: f64) -> f64 {
    number as f64 / scale
}

#[cfg(test)]
mod tests {
    use openmetrics_parser::openmetrics::parse_openmetrics;

    use super::*;
    use crate::distribution::{COUNTS, Distribution, TIMES};

    fn summary(bounds: &'static [u64], values: &[u64]) -> Summary {
        let mut distribution = Distribution::new(bounds);
        for value in values {
            distribution.record(*value);
        }
        distribution.summary()
    }

    fn config() -> ConfigMetrics {
        let feature = |name: &str, is_enabled, rollout| FeatureMetrics {
            name: name.to_owned(),
            is_enabled,
            rollout,
        };
        ConfigMetrics {
            version: "1.2.3".to_owned(),
            environment: "eu.1".to_owned(),
            uptime_seconds: 0.5,
            generation: u32::MAX,
            revision: Some(7),
            features: vec![
                feature("debug", true, 0.0001),
                feature("beta_feature", false, 1.0),
            ],
            writes: 3,
            own_changes: 1,
            foreign_changes: 2,
            listeners: 1,
            lag: summary(TIMES, &[9_999, 10_000, 10_001, 20_000_000_000]),
            is_degraded: Some(false),
            operations: vec![OperationMetrics {
                name: "persist".to_owned(),
                calls: 2,
                seconds: 0.004,
            }],
        }
    }

    fn database() -> Database {
        Database {
            path: "/data/\"flags\"\\new\nline.db".to_owned(),
            metrics: StoreMetrics {
                persists: summary(TIMES, &[1_500_000]),
                failed_persists: 1,
                refused_persists: 3,
                commits: summary(COUNTS, &[1, 2, 3]),
                commit_times: summary(TIMES, &[1_000_000, 2_000_000, 3_000_000]),
                errors: vec![("ERR_STORE_BUSY".to_owned(), 2)],
                pending: 0,
                reopenings: 0,
                database_bytes: Some(4096),
                log_bytes: Some(0),
                free_bytes: None,
            },
        }
    }

    /// The text, which another library has to understand.
    fn parsed(config: ConfigMetrics, database: Option<Database>) -> String {
        let text = write(config, database).unwrap();
        // This parser refuses the units of histograms, which OpenMetrics allows.
        let histograms: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" histogram"))
            .collect();
        let is_refused = |line: &&str| {
            let mut words = line.split(' ').skip(1);
            words.next() == Some("UNIT")
                && words.next().is_some_and(|name| histograms.contains(&name))
        };
        let understood: String = text
            .lines()
            .filter(|line| !is_refused(line))
            .flat_map(|line| [line, "\n"])
            .collect();
        if let Err(error) = parse_openmetrics(&understood) {
            panic!("{error}\n{text}");
        }
        assert!(text.ends_with("\n# EOF\n"));
        text
    }

    #[test]
    fn everything_is_written_down() {
        let text = parsed(config(), Some(database()));
        for line in [
            "# HELP config13byte_uptime_seconds How long there has been this config.",
            "# TYPE config13byte_uptime_seconds gauge",
            "# UNIT config13byte_uptime_seconds seconds",
            "config13byte_uptime_seconds{environment=\"eu.1\"} 0.5",
            "config13byte_build_info{environment=\"eu.1\",version=\"1.2.3\"} 1",
            "config13byte_generation{environment=\"eu.1\"} 4294967295",
            "config13byte_revision{environment=\"eu.1\"} 7",
            "config13byte_feature_enabled{environment=\"eu.1\",feature=\"debug\"} 1",
            "config13byte_feature_rollout_ratio{environment=\"eu.1\",feature=\"debug\"} 0.0001",
            "config13byte_writes_total{environment=\"eu.1\"} 3",
            "config13byte_changes_total{environment=\"eu.1\",origin=\"foreign\"} 2",
            "config13byte_listener_lag_seconds_bucket{le=\"0.00001\",environment=\"eu.1\"} 2",
            "config13byte_listener_lag_seconds_bucket{le=\"0.000025\",environment=\"eu.1\"} 3",
            "config13byte_listener_lag_seconds_bucket{le=\"10.0\",environment=\"eu.1\"} 3",
            "config13byte_listener_lag_seconds_bucket{le=\"+Inf\",environment=\"eu.1\"} 4",
            "config13byte_listener_lag_seconds_sum{environment=\"eu.1\"} 20.00003",
            "config13byte_operation_seconds_total{environment=\"eu.1\",operation=\"persist\"} 0.004",
            "config13byte_store_degraded{environment=\"eu.1\"} 0",
            "config13byte_commit_revisions_bucket{le=\"2.0\",database=\"/data/\\\"flags\\\"\\\\new\\nline.db\"} 2",
            "config13byte_commit_revisions_sum{database=\"/data/\\\"flags\\\"\\\\new\\nline.db\"} 6.0",
            "config13byte_store_errors_total{code=\"ERR_STORE_BUSY\",database=\"/data/\\\"flags\\\"\\\\new\\nline.db\"} 2",
            "# UNIT config13byte_database_bytes bytes",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(!text.contains("disk_free"), "{text}");
    }

    #[test]
    fn what_there_is_not_is_left_out() {
        let text = parsed(ConfigMetrics::default(), None);
        for absent in ["revision", "feature", "store", "operation", "persist"] {
            assert!(!text.contains(&format!("config13byte_{absent}")), "{text}");
        }
        assert!(text.contains("config13byte_listener_lag_seconds_count{environment=\"\"} 0\n"));
    }
}
