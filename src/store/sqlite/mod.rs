//! SQLite and the operating system: opening, schema, locks, system calls and files. It knows nothing of revisions.

pub mod busy;
pub mod connection;
pub mod disk_space;
pub mod errors;
pub mod file_methods;
pub mod online_backup;
pub mod open_files;
pub mod paths;
pub mod schema;
pub mod side_files;
pub mod still;
pub mod syscalls;
