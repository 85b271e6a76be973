//! Each file of the corpus through its fuzz target, so that what was found once stays found.

#![cfg(unix)]
#![expect(
    clippy::expect_used,
    reason = "what a test needs and does not get fails it"
)]

#[cfg(test)]
#[path = "../../fuzz/targets/mod.rs"]
mod targets;

use std::fs;
use std::path::Path;

fn replay(target: &str, check: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut inputs: Vec<_> = fs::read_dir(corpus.join(target))
        .expect("a corpus")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    inputs.sort();
    assert!(inputs.len() >= 5, "{target} has {} inputs", inputs.len());
    for input in inputs {
        // Shown when it fails.
        println!("{}", input.display());
        check(&fs::read(input).expect("an input"));
    }
}

#[test]
fn records() {
    replay("record", targets::record::check);
}

#[test]
fn live_files() {
    replay("live-file", targets::live_file::check);
}

#[test]
fn databases() {
    replay("database", targets::database::check);
}
