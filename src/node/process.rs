//! Facts about the process that runtimes do not tell alike.

use napi_derive::napi;

/// The name of the user that the process runs as, if the system knows one. Bun 1.4's `os.userInfo()` gives `unknown`
/// unless the environment has `USER`.
#[napi(catch_unwind)]
#[must_use]
pub fn user_name() -> Option<String> {
    whoami::username().ok()
}
