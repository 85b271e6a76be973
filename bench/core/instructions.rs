//! Repeats one operation a given number of times, for callgrind to count instructions: `instructions <name> <count>`.
//! The difference between two counts is that of the operation alone. Without arguments, every operation runs once.

#![expect(
    clippy::expect_used,
    reason = "what a benchmark needs and does not get ends it"
)]

mod operations;

use std::env;

use operations::OPERATIONS;

fn main() {
    let mut arguments = env::args().skip(1);
    // Cargo adds `--bench`, and may add others.
    let name = arguments.next().filter(|name| !name.starts_with('-'));
    let count: u32 = arguments
        .next()
        .map_or(1, |count| count.parse().expect("a count"));
    let mut ran = 0;
    for (operation, make_ready) in OPERATIONS {
        if name.as_ref().is_none_or(|name| name == operation) {
            let mut repeat = make_ready();
            for _ in 0..count {
                repeat();
            }
            ran += 1;
        }
    }
    assert!(ran > 0, "no operation {name:?}");
}
