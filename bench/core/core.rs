//! How long the core takes. `npm run bench:core`, or `cargo bench --no-default-features --bench core`.

#![expect(
    clippy::expect_used,
    reason = "what a benchmark needs and does not get ends it"
)]

mod operations;

use criterion::{Criterion, criterion_group, criterion_main};
use operations::OPERATIONS;

fn operations(criterion: &mut Criterion) {
    for (name, make_ready) in OPERATIONS {
        let mut operation = make_ready();
        criterion.bench_function(name, |bencher| bencher.iter(&mut operation));
    }
}

criterion_group!(core, operations);
criterion_main!(core);
