//! What a program says of its features beside their names.

use crate::bits::Bits;
use crate::feature_table::FeatureTable;
use crate::page::{Edits, FULL_ROLLOUT, State};

/// A feature as a program lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declaration {
    /// The feature.
    pub name: String,
    /// What people should know of it.
    pub notes: Notes,
    /// Whether it starts switched on.
    pub enabled: bool,
    /// The rollout that it starts with, in basis points; by default everyone.
    pub rollout: Option<u16>,
}

/// What people should know of a feature. It lives in the database alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// What it does.
    pub description: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// When it should be gone, in milliseconds since 1970.
    pub expires: Option<i64>,
}

impl Notes {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What the features with these bits start with: those that are off and rolled out to everyone in a state, as long as nobody
/// has decided anything about them.
#[must_use]
pub fn seeds(
    declarations: &[Declaration],
    table: &FeatureTable,
    bits: Bits,
    state: &State,
) -> Edits {
    let mut edits = Edits::default();
    for declaration in declarations {
        let Some(bit) = table.bit(&declaration.name) else {
            continue;
        };
        let is_undecided = !state.flags.has(bit) && state.rollouts.get(bit) == Some(&FULL_ROLLOUT);
        if !bits.has(bit) || !is_undecided {
            continue;
        }
        if declaration.enabled {
            edits.on = edits.on | Bits::only(bit);
        }
        if let Some(rollout) = declaration
            .rollout
            .filter(|rollout| *rollout != FULL_ROLLOUT)
        {
            edits.rollouts.push((bit, rollout));
        }
    }
    edits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Parts;

    #[test]
    fn only_what_nobody_has_decided_is_seeded() {
        let table = FeatureTable::new(["a", "b", "c", "d", "e"]).unwrap();
        let declare = |name: &str, enabled, rollout| Declaration {
            name: name.to_owned(),
            enabled,
            rollout,
            ..Declaration::default()
        };
        let declarations = [
            declare("a", true, None),
            declare("b", true, Some(50)),
            declare("c", true, Some(50)),
            declare("d", true, Some(FULL_ROLLOUT)),
            declare("e", true, None),
            declare("no such", true, Some(1)),
        ];
        let mut state = State::with_flags(0b1);
        state.rollouts[1] = 7;
        let edits = seeds(&declarations, &table, Bits::first(4), &state);
        assert_eq!(edits.on, Bits::of_first_bank(0b1100));
        assert_eq!(edits.rollouts, [(2, 50)]);
        let nothing = seeds(
            &[declare("a", false, None)],
            &table,
            Bits::ALL,
            &State::EMPTY,
        );
        assert_eq!(nothing.parts(), Parts::default());
    }
}
