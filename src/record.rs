//! The 13-byte record: the state of up to 32 features and of the terminal, as it is exchanged and stored.
//!
//! | offset | field | type |
//! |---|---|---|
//! | 0 | version | u8 |
//! | 1 | registry hash | u32 LE |
//! | 5 | feature flags | u32 LE |
//! | 9 | terminal mode | u8 |
//! | 10 | rows | u8 |
//! | 11 | cols | u8 |
//! | 12 | reserved | u8 |
//!
//! A configuration of more features has a record for each bank of 32. Byte 12 is the number of the bank, which is 0 for the
//! first: the one that has the terminal. Bytes 9 to 11 of the others are 0.
//!
//! Everything here is pure: no memory is shared and nothing is looked up.

use thiserror::Error as ThisError;

use crate::error::Error;

/// Bytes of an encoded record.
pub const RECORD_SIZE: usize = 13;

/// The record format this crate reads and writes.
pub const RECORD_VERSION: u8 = 1;

/// Registry hash of the default feature list.
pub const DEFAULT_REGISTRY_HASH: u32 = 0x1234_5678;

/// The default mode, rows and cols: raw, 24 rows, 80 columns.
pub const DEFAULT_TERMINAL: Terminal = Terminal {
    mode: 2,
    rows: 24,
    cols: 80,
    reserved: 0,
};

/// The greatest valid terminal mode: 0 disabled, 1 cooked, 2 raw, 3 pipe.
pub const MAX_TERMINAL_MODE: u8 = 3;

/// Terminal settings. Any value can be held, since a record may come from elsewhere; see [`Record::problems`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Terminal {
    /// 0 disabled, 1 cooked, 2 raw, 3 pipe.
    pub mode: u8,
    /// Rows, 1–255.
    pub rows: u8,
    /// Columns, 1–255.
    pub cols: u8,
    /// 0, as the number of the first bank.
    pub reserved: u8,
}

impl Terminal {
    /// The four bytes as the little-endian word that the state page holds.
    #[must_use]
    pub const fn to_word(self) -> u32 {
        u32::from_le_bytes([self.mode, self.rows, self.cols, self.reserved])
    }

    /// The inverse of [`Terminal::to_word`].
    #[must_use]
    pub const fn from_word(word: u32) -> Self {
        let [mode, rows, cols, reserved] = word.to_le_bytes();
        Self {
            mode,
            rows,
            cols,
            reserved,
        }
    }
}

/// The state of a bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// Record format, [`RECORD_VERSION`].
    pub version: u8,
    /// Describes the feature table at the time of writing; decides nothing.
    pub registry_hash: u32,
    /// Bit `n` is on when the feature that owns bit `n` is enabled.
    pub feature_flags: u32,
    /// Terminal settings.
    pub terminal: Terminal,
}

impl Default for Record {
    /// The default record: debug, verbose and metrics on, raw terminal of 24 × 80.
    fn default() -> Self {
        Self {
            version: RECORD_VERSION,
            registry_hash: DEFAULT_REGISTRY_HASH,
            feature_flags: 0b111,
            terminal: DEFAULT_TERMINAL,
        }
    }
}

/// A field of a state that holds a value outside its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ThisError)]
pub enum Problem {
    /// The format version is not [`RECORD_VERSION`].
    #[error("Invalid version: {0} (must be {RECORD_VERSION})")]
    Version(u8),
    /// Flags set on bits that no feature owns.
    #[error("Invalid feature flags{}: no feature owns the bits 0x{flags:08x}", of_bank(*bank))]
    UnknownFlags {
        /// The bank.
        bank: usize,
        /// These flags of it.
        flags: u32,
    },
    /// The last four bytes of the record of a further bank are not 0, 0, 0 and its number.
    #[error("Invalid bank {bank}: its record ends in 0x{word:08x} (must be 0x{bank:08x})")]
    Bank {
        /// The bank.
        bank: usize,
        /// What was found, as a big-endian number.
        word: u32,
    },
    /// The terminal mode is above [`MAX_TERMINAL_MODE`].
    #[error("Invalid terminal mode: {0} (must be 0-{MAX_TERMINAL_MODE})")]
    TerminalMode(u8),
    /// No rows.
    #[error("Invalid rows: {0} (must be 1-255)")]
    Rows(u8),
    /// No columns.
    #[error("Invalid cols: {0} (must be 1-255)")]
    Cols(u8),
    /// The reserved byte is used.
    #[error("Invalid reserved byte: {0} (must be 0)")]
    Reserved(u8),
    /// A feature, by its bit, is rolled out to more than everyone. The rollouts are kept beside the record.
    #[error("Invalid rollout of feature {bit}: {basis_points} basis points (must be 0-10000)")]
    Rollout {
        /// The feature's bit.
        bit: usize,
        /// What was found.
        basis_points: u16,
    },
}

/// What a message says of a bank, unless it is the first.
fn of_bank(bank: usize) -> String {
    if bank == 0 {
        String::new()
    } else {
        format!(" of bank {bank}")
    }
}

impl Record {
    /// That of a bank after the first.
    #[must_use]
    pub fn of_bank(bank: usize, version: u8, registry_hash: u32, feature_flags: u32) -> Self {
        Self {
            version,
            registry_hash,
            feature_flags,
            terminal: Terminal {
                mode: 0,
                rows: 0,
                cols: 0,
                reserved: u8::try_from(bank).unwrap_or(u8::MAX),
            },
        }
    }

    /// The default record with no feature on.
    pub const EMPTY: Self = Self {
        version: RECORD_VERSION,
        registry_hash: DEFAULT_REGISTRY_HASH,
        feature_flags: 0,
        terminal: DEFAULT_TERMINAL,
    };

    /// The record's 13 bytes.
    #[must_use]
    pub const fn encode(&self) -> [u8; RECORD_SIZE] {
        let [h0, h1, h2, h3] = self.registry_hash.to_le_bytes();
        let [f0, f1, f2, f3] = self.feature_flags.to_le_bytes();
        let Terminal {
            mode,
            rows,
            cols,
            reserved,
        } = self.terminal;
        [
            self.version,
            h0,
            h1,
            h2,
            h3,
            f0,
            f1,
            f2,
            f3,
            mode,
            rows,
            cols,
            reserved,
        ]
    }

    /// Reads 13 bytes. Only the length is checked: [`Record::problems`] lists what is out of range.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let Ok(bytes) = <&[u8; RECORD_SIZE]>::try_from(bytes) else {
            return Err(Error::BufferLength { got: bytes.len() });
        };
        let &[
            version,
            h0,
            h1,
            h2,
            h3,
            f0,
            f1,
            f2,
            f3,
            mode,
            rows,
            cols,
            reserved,
        ] = bytes;
        Ok(Self {
            version,
            registry_hash: u32::from_le_bytes([h0, h1, h2, h3]),
            feature_flags: u32::from_le_bytes([f0, f1, f2, f3]),
            terminal: Terminal {
                mode,
                rows,
                cols,
                reserved,
            },
        })
    }

    /// Every field of this bank's record that is out of range, in field order, when the features in `known_flags` exist.
    #[must_use]
    pub fn problems(&self, bank: usize, known_flags: u32) -> Vec<Problem> {
        let Terminal {
            mode,
            rows,
            cols,
            reserved,
        } = self.terminal;
        let flags = self.feature_flags & !known_flags;
        let version = (self.version != RECORD_VERSION).then_some(Problem::Version(self.version));
        let unknown = (flags != 0).then_some(Problem::UnknownFlags { bank, flags });
        if bank != 0 {
            let word = self.terminal.to_word().swap_bytes();
            let is_wrong = usize::try_from(word) != Ok(bank);
            let wrong = is_wrong.then_some(Problem::Bank { bank, word });
            return [version, unknown, wrong].into_iter().flatten().collect();
        }
        [
            version,
            unknown,
            (mode > MAX_TERMINAL_MODE).then_some(Problem::TerminalMode(mode)),
            (rows == 0).then_some(Problem::Rows(rows)),
            (cols == 0).then_some(Problem::Cols(cols)),
            (reserved != 0).then_some(Problem::Reserved(reserved)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hex(record: &Record) -> String {
        let number = record
            .encode()
            .iter()
            .fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
        format!("{number:026x}")
    }

    #[test]
    fn default_record_has_the_documented_bytes() {
        assert_eq!(hex(&Record::default()), "01785634120700000002185000");
    }

    #[test]
    fn debug_and_metrics_with_a_50_by_120_terminal() {
        let record = Record {
            feature_flags: 0b101,
            terminal: Terminal {
                rows: 50,
                cols: 120,
                ..DEFAULT_TERMINAL
            },
            ..Record::default()
        };
        assert_eq!(hex(&record), "01785634120500000002327800");
    }

    #[test]
    fn other_lengths_are_refused_by_name() {
        for length in [0, 12, 14, 4096] {
            let error = Record::decode(&vec![0; length]).unwrap_err();
            assert_eq!(error.code().as_ref(), "ERR_BUFFER_LENGTH");
            assert_eq!(error.to_string(), "Buffer must be exactly 13 bytes");
        }
    }

    #[test]
    fn every_problem_is_reported() {
        let record = Record {
            version: 2,
            feature_flags: 0x8000_0001,
            terminal: Terminal::from_word(u32::from_le_bytes([4, 0, 0, 7])),
            ..Record::default()
        };
        assert_eq!(
            record.problems(0, 0b1),
            [
                Problem::Version(2),
                Problem::UnknownFlags {
                    bank: 0,
                    flags: 0x8000_0000
                },
                Problem::TerminalMode(4),
                Problem::Rows(0),
                Problem::Cols(0),
                Problem::Reserved(7),
            ]
        );
        assert_eq!(Record::default().problems(0, 0b111), []);
    }

    #[test]
    fn further_banks_have_a_number_and_no_terminal() {
        let record = Record::of_bank(7, RECORD_VERSION, 5, 0b11);
        assert_eq!(hex(&record), "01050000000300000000000007");
        assert_eq!(record.problems(7, 0b11), []);
        let problems = |bank, known| {
            let problems = record.problems(bank, known);
            problems.iter().map(Problem::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            problems(7, 0b10),
            ["Invalid feature flags of bank 7: no feature owns the bits 0x00000001"]
        );
        assert_eq!(
            problems(6, 0b11),
            ["Invalid bank 6: its record ends in 0x00000007 (must be 0x00000006)"]
        );
    }

    proptest! {
        #[test]
        fn any_13_bytes_survive_a_round_trip(bytes: [u8; RECORD_SIZE]) {
            prop_assert_eq!(Record::decode(&bytes).unwrap().encode(), bytes);
        }

        #[test]
        fn any_terminal_word_survives_a_round_trip(word: u32) {
            prop_assert_eq!(Terminal::from_word(word).to_word(), word);
        }
    }
}
