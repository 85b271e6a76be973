//! The N-API boundary: converts, calls once, converts back, and decides nothing.
//!
//! `lib/native/binding.ts` is the only JavaScript module that calls it.

#![expect(
    clippy::needless_pass_by_value,
    reason = "strings and lists from JavaScript arrive as owned values"
)]

mod buffer;
mod care;
mod distribution;
mod metrics;
mod names;
mod objects;
mod outcome;
mod page;
mod persist_batch;
mod process;
mod store;
mod watch;

use crate::error::{Error, ErrorCode};

/// What a synchronous call gives: an error becomes a JavaScript `Error` whose `code` is the stable one.
type Result<T> = std::result::Result<T, napi::Error<ErrorCode>>;

impl From<Error> for napi::Error<ErrorCode> {
    fn from(error: Error) -> Self {
        js_error(&error)
    }
}

fn js_error(error: &Error) -> napi::Error<ErrorCode> {
    napi::Error::new(error.code(), error.to_string())
}

/// For failures of Node-API itself.
fn runtime_error(operation: &'static str) -> impl Fn(napi::Error) -> napi::Error<ErrorCode> {
    move |error| {
        js_error(&Error::Runtime {
            operation,
            detail: error.to_string(),
        })
    }
}
