//! Whether this process may use the files that SQLite has beside a database.

use std::path::{Path, PathBuf};

use super::paths::with_suffix;
use crate::ownership::{self, Owner};

/// The file beside the database that this process may not write to, whose it is, and what to do.
fn obstacle(database: &Path) -> Option<String> {
    let owner = Owner::of_path(database)?;
    files(database).iter().find_map(|file| {
        let obstacle = ownership::obstacle(file)?;
        Some(format!("{obstacle}. {}", owner.advice(file)))
    })
}

/// Why this process cannot open a database, or only read it: which file is in the way, whose it is, and what to do.
pub fn refusal(database: &Path) -> Option<String> {
    let owner = Owner::of_path(database)?;
    if ownership::obstacle(database).is_some() {
        let advice = owner.advice_to_use(database);
        return Some(format!("it {}{advice}", owner.described()));
    }
    obstacle(database).or_else(|| {
        let missing = files(database).into_iter().find(|file| !file.exists())?;
        let why = owner.makes_nothing_for_others()?;
        let advice = owner.advice_to_run();
        Some(format!(
            "{} is missing, and {why}. {advice}",
            missing.display()
        ))
    })
}

fn files(database: &Path) -> [PathBuf; 2] {
    ["-wal", "-shm"].map(|suffix| with_suffix(database, suffix))
}
