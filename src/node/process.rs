//! Facts about the process that runtimes do not tell alike.

use napi_derive::napi;

/// The name of the user that the process acts as, if the system knows one. Bun 1.4's `os.userInfo()` gives `unknown`
/// unless the environment has `USER`.
#[cfg(unix)]
#[napi(catch_unwind)]
#[must_use]
pub fn user_name() -> Option<String> {
    use nix::unistd::{Uid, User};

    User::from_uid(Uid::effective())
        .ok()
        .flatten()
        .map(|user| user.name)
}

/// There, every runtime's `os.userInfo()` knows it.
#[cfg(not(unix))]
#[napi(catch_unwind)]
#[must_use]
pub fn user_name() -> Option<String> {
    None
}
