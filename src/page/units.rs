//! What a revision can change of a state, each by itself: a feature, which is its switch and its rollout together, or
//! the terminal.

use std::ops::{BitAnd, BitOr, Not};

use super::{Rollouts, State};
use crate::bits::{BANKS, Bits};

/// A set of units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Units {
    features: Bits,
    terminal: bool,
}

impl Units {
    /// Nothing.
    pub const NONE: Self = Self {
        features: Bits::NONE,
        terminal: false,
    };

    /// The terminal alone.
    pub const TERMINAL: Self = Self {
        features: Bits::NONE,
        terminal: true,
    };

    /// Every feature, and the terminal.
    pub const ALL: Self = Self {
        features: Bits::ALL,
        terminal: true,
    };

    /// These features, and the terminal.
    #[must_use]
    pub const fn with_terminal(features: Bits) -> Self {
        Self {
            features,
            terminal: true,
        }
    }

    /// These features alone.
    #[must_use]
    pub const fn of_features(features: Bits) -> Self {
        Self {
            features,
            terminal: false,
        }
    }

    /// These features of the first bank alone.
    #[must_use]
    pub const fn of_first_bank(word: u32) -> Self {
        Self {
            features: Bits::of_first_bank(word),
            terminal: false,
        }
    }

    /// A byte that is 1 if the terminal is one of them, else 0, and a little-endian word of bits for each of the first banks.
    #[must_use]
    pub fn encode(self, banks: usize) -> Vec<u8> {
        let words = self.features.banks().into_iter().take(banks);
        std::iter::once(self.terminal.into())
            .chain(words.flat_map(u32::to_le_bytes))
            .collect()
    }

    /// The inverse of [`Units::encode`]; `None` for other bytes.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (&terminal, words) = bytes.split_first()?;
        let (words, []) = words.as_chunks::<4>() else {
            return None;
        };
        let is_valid = terminal <= 1 && words.len() <= BANKS;
        let mut words = words.iter();
        is_valid.then(|| Self {
            features: Bits::of_banks(|_| words.next().map_or(0, |word| u32::from_le_bytes(*word))),
            terminal: terminal == 1,
        })
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// The features.
    #[must_use]
    pub const fn features(self) -> Bits {
        self.features
    }

    /// Whether the terminal is one of them.
    #[must_use]
    pub const fn has_terminal(self) -> bool {
        self.terminal
    }
}

/// What a whole change sets. Here the switch of a feature and its rollout are two things, so that a change of one leaves the
/// other as it is live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// The features whose switches are set.
    pub switches: Bits,
    /// The features whose rollouts are set.
    pub rollouts: Bits,
    /// Whether the terminal is set.
    pub terminal: bool,
}

impl From<Units> for Parts {
    fn from(units: Units) -> Self {
        Self {
            switches: units.features(),
            rollouts: units.features(),
            terminal: units.has_terminal(),
        }
    }
}

impl From<Parts> for Units {
    fn from(parts: Parts) -> Self {
        Self {
            features: parts.switches | parts.rollouts,
            terminal: parts.terminal,
        }
    }
}

impl BitOr for Parts {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self {
            switches: self.switches | other.switches,
            rollouts: self.rollouts | other.rollouts,
            terminal: self.terminal || other.terminal,
        }
    }
}

impl BitAnd<Units> for Parts {
    type Output = Self;

    fn bitand(self, units: Units) -> Self {
        Self {
            switches: self.switches & units.features(),
            rollouts: self.rollouts & units.features(),
            terminal: self.terminal && units.has_terminal(),
        }
    }
}

impl BitAnd for Units {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self {
            features: self.features & other.features,
            terminal: self.terminal && other.terminal,
        }
    }
}

impl BitOr for Units {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self {
            features: self.features | other.features,
            terminal: self.terminal || other.terminal,
        }
    }
}

impl Not for Units {
    type Output = Self;

    fn not(self) -> Self {
        Self {
            features: !self.features,
            terminal: !self.terminal,
        }
    }
}

impl State {
    /// The units in which two states differ. Version and registry hash describe the time of writing, so they are none.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Units {
        let rollouts = differing(&self.rollouts, &other.rollouts);
        Units {
            features: self.flags ^ other.flags | rollouts,
            terminal: self.terminal != other.terminal,
        }
    }

    /// Takes over these units, or parts of them, of another state.
    pub fn set(&mut self, parts: impl Into<Parts>, from: &Self) {
        let Parts {
            switches,
            rollouts,
            terminal,
        } = parts.into();
        self.flags = self.flags.with(switches, from.flags);
        for (bit, (own, given)) in self.rollouts.iter_mut().zip(from.rollouts).enumerate() {
            if rollouts.has(bit) {
                *own = given;
            }
        }
        if terminal {
            self.terminal = from.terminal;
        }
    }
}

fn differing(one: &Rollouts, other: &Rollouts) -> Bits {
    // Nearly always there is no difference.
    if one == other {
        return Bits::NONE;
    }
    let pairs = one.iter().zip(other).enumerate();
    pairs
        .filter(|(_, (one, other))| one != other)
        .map(|(bit, _)| bit)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_a_switch_with_its_rollout_or_the_terminal() {
        let before = State::with_flags(0b11);
        let mut after = State::with_flags(0b10);
        after.rollouts[4] = 5;
        after.terminal.rows = 99;
        after.registry_hashes[0] = 7;
        let units = after.differences(&before);
        assert_eq!(units, Units::with_terminal(Bits::of_first_bank(0b1_0001)));
        assert_eq!(before.differences(&before), Units::NONE);

        let mut merged = before;
        merged.set(Units::of_first_bank(0b1_0000), &after);
        assert_eq!(merged.rollouts[4], 5);
        assert_eq!(merged.flags.first_bank(), 0b11);
        assert_eq!(merged.terminal, before.terminal);
        merged.set(units, &after);
        assert_eq!(merged.differences(&after), Units::NONE);
        assert_eq!(merged.registry_hashes, before.registry_hashes);
        assert_eq!(!Units::ALL, Units::NONE);
    }

    #[test]
    fn units_survive_a_round_trip() {
        let units = Units::with_terminal([0, 33, 255].into_iter().collect());
        assert_eq!(Units::decode(&units.encode(BANKS)), Some(units));
        let first = Units::of_first_bank(0b101);
        assert_eq!(first.encode(1), [0, 0b101, 0, 0, 0]);
        assert_eq!(Units::decode(&first.encode(1)), Some(first));
        for bytes in [&[][..], &[2], &[0, 1], &[0; 5 + 4 * BANKS]] {
            assert_eq!(Units::decode(bytes), None);
        }
    }
}
