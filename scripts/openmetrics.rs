//! Reads texts in the format of OpenMetrics, and fails on the first that is none:
//!
//!     cargo run --no-default-features --example openmetrics -- FILE…

use openmetrics_parser::openmetrics::parse_openmetrics;

fn main() -> Result<(), String> {
    for file in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
        let exposition = parse_openmetrics(&without_units_of_histograms(&text))
            .map_err(|error| format!("{file}: {error}"))?;
        println!("{file}: {} families", exposition.families.len());
    }
    Ok(())
}

/// This parser refuses them, and OpenMetrics allows them.
fn without_units_of_histograms(text: &str) -> String {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let histograms: Vec<&str> = types
        .filter_map(|family| family.strip_suffix(" histogram"))
        .collect();
    let is_unit = |line: &str| {
        let family = line
            .strip_prefix("# UNIT ")
            .and_then(|unit| unit.split(' ').next());
        family.is_some_and(|family| histograms.contains(&family))
    };
    text.split_inclusive('\n')
        .filter(|line| !is_unit(line))
        .collect()
}
