//! The core of `13byte-config`: a 13-byte configuration record in shared memory, with its history in SQLite.
//!
//! | module | owns |
//! |---|---|
//! | [`record`] | the 13 bytes: parse, check, encode, diff |
//! | [`bits`] | sets of features |
//! | [`declaration`] | what a program says of its features beside their names |
//! | [`feature_table`] | feature names and the bits they own for good |
//! | [`page`] | the shared memory that holds the live state |
//! | [`watch`] | waking listeners |
//! | [`store`] | the SQLite file that holds the history |
//! | [`openmetrics`] | the OpenMetrics text |
//! | [`startup`] | what the page of a configuration starts with |
//! | [`ownership`] | whose a file is |
//! | [`file_system`] | what a file is on |
//! | [`distribution`] | counts, and percentiles of times |
//! | [`clock`] | a clock that processes share |
//! | `statx` | asking Linux for single facts of a file |
//! | `sync` | locking a mutex |
//! | [`error`] | every way this crate can fail, with a stable code |
//! | `node` | the N-API boundary (feature `node`) |
//!
//! Dependencies point one way: `node` → `startup` → `store` → `watch` → `declaration` → `page` → `feature_table` → `record`.

#[cfg(not(target_endian = "little"))]
compile_error!(
    "the record and the state page are little-endian in memory; big-endian targets are not supported"
);

#[cfg(not(target_has_atomic = "64"))]
compile_error!(
    "flags and terminal settings change together in one 64-bit atomic, which this target lacks"
);

pub mod bits;
pub mod clock;
pub mod declaration;
pub mod distribution;
pub mod error;
pub mod feature_table;
mod file_id;
pub mod file_system;
pub mod name_index;
pub mod openmetrics;
pub mod ownership;
pub mod page;
mod real_path;
pub mod record;
pub mod startup;
#[cfg(target_os = "linux")]
mod statx;
pub mod store;
mod sync;
pub mod watch;

// Unit tests run without a JavaScript runtime to call the boundary.
#[cfg(all(feature = "node", not(test)))]
mod node;
