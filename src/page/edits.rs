//! Changes of single features and of the terminal, as a caller makes them.

use super::{Parts, State};
use crate::bits::Bits;
use crate::record::Terminal;

/// Changes that are made together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    /// The features that go on, and others that go off.
    pub on: Bits,
    /// See [`Edits::on`].
    pub off: Bits,
    /// Rollouts in basis points, by bit.
    pub rollouts: Vec<(usize, u16)>,
    /// The terminal settings.
    pub terminal: Option<Terminal>,
}

impl Edits {
    /// What they set.
    #[must_use]
    pub fn parts(&self) -> Parts {
        let bits = self.rollouts.iter().map(|(bit, _)| *bit);
        Parts {
            switches: self.on | self.off,
            rollouts: bits.collect(),
            terminal: self.terminal.is_some(),
        }
    }

    /// A state with them.
    #[must_use]
    pub fn apply_to(&self, mut state: State) -> State {
        state.flags = (state.flags | self.on) & !self.off;
        for (bit, basis_points) in &self.rollouts {
            if let Some(rollout) = state.rollouts.get_mut(*bit) {
                *rollout = *basis_points;
            }
        }
        if let Some(terminal) = self.terminal {
            state.terminal = terminal;
        }
        state
    }
}
