//! Owners of files, and files that must have the same owner as another file.
//!
//! What is made beside a database has to be of use to the programs that use the database, also when root makes it, or a
//! member of a group. Such a file gets its owner before it gets its name, so that no other program ever finds it as a
//! file that it may not use.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::{Owner, adopt, create, effective_user, may_create_in, obstacle};

#[cfg(not(unix))]
mod unsupported;
#[cfg(not(unix))]
pub use unsupported::{Owner, adopt, may_create_in, obstacle};
