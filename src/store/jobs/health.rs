//! What a health check asks: some of it of the store's thread, and the rest without it, since it may be held up.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::Builder;

use rusqlite::{Connection, OptionalExtension};

use crate::error::Error;
use crate::feature_table::FeatureTable;
use crate::page::Page;
use crate::store::files::{self, Finding};
use crate::store::open_stores::expect_one_name;
use crate::store::reply::{Answer, Reply};
use crate::store::rows::chain::Chain;
use crate::store::rows::digest::DIGEST_SIZE;
use crate::store::rows::pages;
use crate::store::shared::Shared;
use crate::store::sqlite::disk_space::free_bytes;
use crate::store::sqlite::errors::Fault;
use crate::store::sqlite::paths::with_suffix;
use crate::store::sqlite::syscalls;
use crate::store::worker::Worker;

/// The files of the database, as the system sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileState {
    /// The file that was deleted or replaced while the database is open, if one was.
    pub replaced: Option<PathBuf>,
    /// What an examination of the files found.
    pub findings: Vec<Finding>,
    /// Why programs that open the database do not all find the same log, if they do not.
    pub split: Option<String>,
    /// Whether its locks belong to the process, which drops them when it closes the file anywhere.
    pub has_locks_of_process: bool,
    /// The size of the write-ahead log.
    pub log_bytes: u64,
    /// Bytes that may still be written there, where that is known.
    pub free_bytes: Option<u64>,
}

/// The end of an environment's history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryEnd {
    /// The newest revision.
    pub revision: Option<i64>,
    /// What is wrong with it, if anything is.
    pub problem: Option<String>,
    /// What is wrong with the page in view of it, if anything is.
    pub page_problem: Option<String>,
}

/// Checks the files on a separate thread, so that neither the caller nor the store waits for the file system.
pub fn look_at_files(
    shared: Arc<Shared>,
    environment: String,
    reply: Reply<FileState>,
) -> Result<(), Error> {
    Builder::new()
        .name("13byte-health".to_owned())
        .spawn(move || {
            let path = &*shared.path;
            let log = fs::metadata(with_suffix(path, "-wal"));
            let value = FileState {
                replaced: shared.replaced(),
                findings: files::examine(path, &environment),
                split: fs::metadata(path)
                    .ok()
                    .and_then(|found| expect_one_name(path, &found).err())
                    .map(|error| error.to_string()),
                has_locks_of_process: syscalls::has_locks_of_process(),
                log_bytes: log.map_or(0, |log| log.len()),
                free_bytes: free_bytes(path),
            };
            let table = FeatureTable::default();
            reply.send(Ok(Answer { value, table }));
        })
        .map(drop)
        .map_err(|source| Error::Thread { source })
}

/// Whether something older was written over the page.
fn overwritten(connection: &Connection, page: &Page) -> Result<Option<String>, Fault> {
    if page.is_another() {
        return Ok(Some(
            "it holds another life of the configuration".to_owned(),
        ));
    }
    let written = pages::read(connection, page.id())?;
    Ok(page.is_set_back_behind(written.ticket).then(|| {
        format!(
            "it is older than revision {}, which was persisted from it",
            written.revision
        )
    }))
}

impl Worker {
    /// Compares the newest revision with what the environment says of it.
    pub fn history_end(
        &mut self,
        environment: &str,
        page: &Page,
    ) -> Result<Answer<HistoryEnd>, Error> {
        // The next persist should report it.
        self.look(|connection| {
            let chain = Chain::read(connection, Some(environment))?.pop();
            let Some(mut chain) = chain else {
                return Ok(HistoryEnd::default());
            };
            let newest: Option<(i64, [u8; DIGEST_SIZE])> = connection
                .query_row(
                    "SELECT id, digest FROM revision WHERE environment = ?1 ORDER BY id DESC LIMIT 1",
                    [chain.id],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            let (last, digest) = newest.unwrap_or((0, chain.found.digest));
            chain.found.digest = digest;
            let mut fits = true;
            // Anchors that were appended after it.
            while let Some((anchor, anchor_fits)) = chain.pass_anchor(i64::MAX) {
                fits &= anchor_fits || anchor.after < last;
                if anchor.after < last {
                    chain.found.digest = digest;
                }
            }
            let said = &chain.said;
            let problem = if last != said.last {
                Some(format!(
                    "the environment says its last revision is {}, but the newest one is {last}",
                    said.last
                ))
            } else if !fits || chain.found.digest != said.digest {
                Some(format!(
                    "the environment keeps another digest than revision {last}, its last one"
                ))
            } else {
                None
            };
            Ok::<_, Fault>(HistoryEnd {
                revision: Some(last),
                problem,
                page_problem: overwritten(connection, page)?,
            })
        })
    }
}
