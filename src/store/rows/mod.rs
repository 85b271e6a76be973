//! The tables of the history: revisions and their chains, feature names, and what a connection knows of them.

pub mod anchor;
pub mod chain;
pub mod columns;
pub mod compacting;
pub mod contents;
pub mod digest;
pub mod features;
pub mod ledger;
pub mod listing;
pub mod merge;
pub mod opening;
pub mod pages;
pub mod revision;
