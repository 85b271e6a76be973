//! How a listener hears of changes that other processes make: it puts up a doorbell, a Unix socket in a directory
//! beside the live file, and the process that changed the page sends the time of the change to each.
//!
//! A socket is what an event loop waits for by itself, so a change costs one wake-up: that of the listener's thread. (A
//! native thread that sleeps on a futex and then wakes the event loop costs two, see `docs/decisions/0012`.)
//!
//! A doorbell is only rung by other processes. Listeners of the same process are notified directly.

#[cfg(not(unix))]
#[path = "doorbells/unsupported.rs"]
mod platform;
#[cfg(unix)]
#[path = "doorbells/unix.rs"]
mod platform;

pub(super) use platform::Doorbells;
pub use platform::{Doorbell, examine};
