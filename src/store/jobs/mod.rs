//! What a worker does for callers, one subject in each module.

pub mod append;
pub mod attach;
pub mod backup;
pub mod follow;
pub mod health;
pub mod prune;
pub mod read;
pub mod repair;
pub mod restore;
pub mod verify;
