//! What a revision can change of a state, each by itself: a feature, which is its switch and its rollout together, or
//! the terminal.

use std::ops::{BitAnd, BitOr, Not};

use super::{Rollouts, State};

/// A set of units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Units(u64);

const TERMINAL: u64 = 1 << 32;

impl Units {
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// The terminal alone.
    pub const TERMINAL: Self = Self(TERMINAL);

    /// Every feature, and the terminal.
    pub const ALL: Self = Self(TERMINAL | 0xffff_ffff);

    /// The features with these bits, and the terminal.
    #[must_use]
    pub fn with_terminal(features: u32) -> Self {
        Self(TERMINAL | u64::from(features))
    }

    /// From the number that [`Units::to_bits`] gives. Bits without a meaning are ignored.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// A bit for each feature, and bit 32 for the terminal.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The bits of the features.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low half is what is wanted"
    )]
    pub const fn features(self) -> u32 {
        self.0 as u32
    }

    /// Whether the terminal is one of them.
    #[must_use]
    pub const fn has_terminal(self) -> bool {
        self.0 & TERMINAL != 0
    }
}

/// What a whole change sets. Here the switch of a feature and its rollout are two things, so that a change of one leaves the
/// other as it is live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// The bits of the features whose switches are set.
    pub switches: u32,
    /// The bits of the features whose rollouts are set.
    pub rollouts: u32,
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
        let features = Self(u64::from(parts.switches | parts.rollouts));
        if parts.terminal {
            features | Self::TERMINAL
        } else {
            features
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
        Self(self.0 & other.0)
    }
}

impl BitOr for Units {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Not for Units {
    type Output = Self;

    fn not(self) -> Self {
        Self(!self.0 & Self::ALL.0)
    }
}

impl State {
    /// The units in which two states differ. Version and registry hash describe the time of writing, so they are none.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Units {
        let switches = self.record.feature_flags ^ other.record.feature_flags;
        let rollouts = differing(&self.rollouts, &other.rollouts);
        let terminal = if self.record.terminal == other.record.terminal {
            0
        } else {
            TERMINAL
        };
        Units(terminal | u64::from(switches | rollouts))
    }

    /// Takes over these units, or parts of them, of another state.
    pub fn set(&mut self, parts: impl Into<Parts>, from: &Self) {
        let Parts {
            switches,
            rollouts,
            terminal,
        } = parts.into();
        let flags = &mut self.record.feature_flags;
        *flags = *flags & !switches | from.record.feature_flags & switches;
        for (bit, (own, given)) in self.rollouts.iter_mut().zip(from.rollouts).enumerate() {
            if rollouts >> bit & 1 == 1 {
                *own = given;
            }
        }
        if terminal {
            self.record.terminal = from.record.terminal;
        }
    }
}

fn differing(one: &Rollouts, other: &Rollouts) -> u32 {
    let pairs = one.iter().zip(other).enumerate();
    pairs
        .filter(|(_, (one, other))| one != other)
        .fold(0, |bits, (bit, _)| bits | 1 << bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_a_switch_with_its_rollout_or_the_terminal() {
        let before = State::with_flags(0b11);
        let mut after = State::with_flags(0b10);
        after.rollouts[4] = 5;
        after.record.terminal.rows = 99;
        after.record.registry_hash = 7;
        let units = after.differences(&before);
        assert_eq!(units, Units::with_terminal(0b1_0001));
        assert_eq!(before.differences(&before), Units::NONE);

        let mut merged = before;
        merged.set(Units::from_bits(0b1_0000), &after);
        assert_eq!(merged.rollouts[4], 5);
        assert_eq!(merged.record.feature_flags, 0b11);
        assert_eq!(merged.record.terminal, before.record.terminal);
        merged.set(units, &after);
        assert_eq!(merged.differences(&after), Units::NONE);
        assert_eq!(merged.record.registry_hash, before.record.registry_hash);
        assert_eq!(!Units::ALL, Units::NONE);
        assert_eq!(Units::from_bits(u64::MAX), Units::ALL);
    }
}
