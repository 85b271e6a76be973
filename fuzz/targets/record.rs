//! Decoding 13 bytes, and the feature table that goes with them.

use config13::feature_table::{FEATURE_NAME, FeatureTable, MAX_FEATURES};
use config13::record::{Problem, RECORD_SIZE, Record, Terminal};

/// The bytes as a record, and all after the first 13 as feature names, one a line.
pub fn check(data: &[u8]) {
    let whole = Record::decode(data);
    assert_eq!(whole.is_ok(), data.len() == RECORD_SIZE);
    let (bytes, names) = data.split_at(data.len().min(RECORD_SIZE));
    let known = check_names(names);
    let Ok(record) = Record::decode(bytes) else {
        return;
    };
    assert_eq!(record.encode(), bytes);
    assert_eq!(
        Terminal::from_word(record.terminal.to_word()),
        record.terminal
    );
    check_problems(&record, known);
}

fn check_problems(record: &Record, known: u32) {
    let Terminal {
        mode,
        rows,
        cols,
        reserved,
    } = record.terminal;
    let wrong = [
        record.version != 1,
        record.feature_flags & !known != 0,
        mode > 3,
        rows == 0,
        cols == 0,
        reserved != 0,
    ];
    let problems = record.problems(0, known);
    assert_eq!(problems.len(), wrong.iter().filter(|wrong| **wrong).count());
    for problem in problems {
        assert!(!problem.to_string().is_empty());
        if let Problem::UnknownFlags { flags, .. } = problem {
            assert_eq!(flags & known, 0);
        }
    }
}

/// Returns the bits that the names own, if they can be registered.
fn check_names(bytes: &[u8]) -> u32 {
    let text = String::from_utf8_lossy(bytes);
    let names: Vec<&str> = text.lines().collect();
    let mut unique = names.clone();
    unique.sort_unstable();
    unique.dedup();
    let acceptable = names.len() <= MAX_FEATURES
        && unique.len() == names.len()
        && names.iter().all(|name| FEATURE_NAME.allows(name));
    match FeatureTable::new(&names) {
        Ok(table) => {
            assert!(acceptable);
            assert_eq!(table.names(), names);
            assert_eq!(table.mask().iter().count(), names.len());
            for (bit, name) in names.iter().enumerate() {
                assert!(!name.is_empty() && name.len() <= 63 && name.is_ascii());
                assert_eq!(table.bit(name), Some(bit));
            }
            table.mask().first_bank()
        }
        Err(error) => {
            assert!(!acceptable, "{error}");
            0
        }
    }
}
