//! Changes of single features and of the terminal, as a caller makes them.

use super::{Parts, State};
use crate::record::Terminal;

/// Changes that are made together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    /// The bits of features that go on, and of others that go off.
    pub on: u32,
    /// See [`Edits::on`].
    pub off: u32,
    /// Rollouts in basis points, by bit.
    pub rollouts: Vec<(usize, u16)>,
    /// The terminal settings.
    pub terminal: Option<Terminal>,
}

impl Edits {
    /// What they set.
    #[must_use]
    pub fn parts(&self) -> Parts {
        let bits = self.rollouts.iter().map(|(bit, _)| 1 << bit);
        Parts {
            switches: self.on | self.off,
            rollouts: bits.fold(0, |all, bit: u32| all | bit),
            terminal: self.terminal.is_some(),
        }
    }

    /// A state with them.
    #[must_use]
    pub fn apply_to(&self, mut state: State) -> State {
        let flags = &mut state.record.feature_flags;
        *flags = (*flags | self.on) & !self.off;
        for (bit, basis_points) in &self.rollouts {
            if let Some(rollout) = state.rollouts.get_mut(*bit) {
                *rollout = *basis_points;
            }
        }
        if let Some(terminal) = self.terminal {
            state.record.terminal = terminal;
        }
        state
    }
}
