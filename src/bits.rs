//! Sets of features.

use std::ops::{BitAnd, BitOr, BitXor, Not};

/// Features in a bank: those whose switches are in one word, and in one record.
pub const BANK_SIZE: usize = 32;

/// Banks of a configuration at most.
pub const BANKS: usize = 8;

/// How many banks it takes for so many features. There is always one.
#[must_use]
pub const fn banks_for(features: usize) -> usize {
    if features <= BANK_SIZE {
        1
    } else {
        features.div_ceil(BANK_SIZE)
    }
}

/// A set of features, by their bits: a word for each bank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bits([u32; BANKS]);

impl Bits {
    /// No feature.
    pub const NONE: Self = Self([0; BANKS]);

    /// Every bit there is.
    pub const ALL: Self = Self([u32::MAX; BANKS]);

    /// How many there are at most.
    pub const CAPACITY: usize = BANKS * BANK_SIZE;

    /// The feature with this bit alone; none if there is no such bit.
    #[must_use]
    pub fn only(bit: usize) -> Self {
        let mut bits = Self::NONE;
        if let Some(word) = bits.0.get_mut(bit / BANK_SIZE) {
            *word = 1 << (bit % BANK_SIZE);
        }
        bits
    }

    /// The features of the first bits.
    #[must_use]
    pub fn first(count: usize) -> Self {
        (0..count.min(Self::CAPACITY)).collect()
    }

    /// Those of the first bank.
    #[must_use]
    pub const fn of_first_bank(word: u32) -> Self {
        let mut words = [0; BANKS];
        words[0] = word;
        Self(words)
    }

    /// With the word that `word` gives for each bank.
    #[must_use]
    pub fn of_banks(word: impl FnMut(usize) -> u32) -> Self {
        Self(std::array::from_fn(word))
    }

    /// The words, by bank.
    #[must_use]
    pub const fn banks(self) -> [u32; BANKS] {
        self.0
    }

    /// The word of the first bank.
    #[must_use]
    pub const fn first_bank(self) -> u32 {
        self.0[0]
    }

    /// Whether the feature with this bit is in it.
    #[must_use]
    pub fn has(self, bit: usize) -> bool {
        let word = self.0.get(bit / BANK_SIZE);
        word.is_some_and(|word| word >> (bit % BANK_SIZE) & 1 == 1)
    }

    /// Whether no feature is in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// The bits in it, from the lowest.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..Self::CAPACITY).filter(move |bit| self.has(*bit))
    }

    /// With the features of `from` where `which` has them, and its own elsewhere.
    #[must_use]
    pub fn with(self, which: Self, from: Self) -> Self {
        self & !which | from & which
    }

    fn zip(self, other: Self, combine: impl Fn(u32, u32) -> u32) -> Self {
        let mut words = self.0;
        for (word, other) in words.iter_mut().zip(other.0) {
            *word = combine(*word, other);
        }
        Self(words)
    }
}

impl FromIterator<usize> for Bits {
    fn from_iter<I: IntoIterator<Item = usize>>(bits: I) -> Self {
        bits.into_iter()
            .fold(Self::NONE, |all, bit| all | Self::only(bit))
    }
}

impl BitAnd for Bits {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        self.zip(other, |one, other| one & other)
    }
}

impl BitOr for Bits {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.zip(other, |one, other| one | other)
    }
}

impl BitXor for Bits {
    type Output = Self;

    fn bitxor(self, other: Self) -> Self {
        self.zip(other, |one, other| one ^ other)
    }
}

impl Not for Bits {
    type Output = Self;

    fn not(self) -> Self {
        Self(self.0.map(|word| !word))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    use super::*;

    fn any_set() -> impl Strategy<Value = BTreeSet<usize>> {
        prop::collection::btree_set(0..Bits::CAPACITY, 0..Bits::CAPACITY)
    }

    proptest! {
        #[test]
        fn it_is_a_set(one in any_set(), other in any_set()) {
            let bits = |set: &BTreeSet<usize>| set.iter().copied().collect::<Bits>();
            let (a, b) = (bits(&one), bits(&other));
            prop_assert_eq!(a.iter().collect::<BTreeSet<_>>(), one.clone());
            prop_assert_eq!(a & b, bits(&(&one & &other)));
            prop_assert_eq!(a | b, bits(&(&one | &other)));
            prop_assert_eq!(a ^ b, bits(&(&one ^ &other)));
            prop_assert_eq!(a & !b, bits(&(&one - &other)));
            prop_assert_eq!(a.with(b, Bits::ALL), a | b);
            prop_assert_eq!(a.is_empty(), one.is_empty());
            for bit in 0..Bits::CAPACITY {
                prop_assert_eq!(a.has(bit), one.contains(&bit));
            }
        }
    }

    #[test]
    fn bits_that_there_are_not_are_in_no_set() {
        assert!(Bits::only(Bits::CAPACITY).is_empty());
        assert!(!Bits::ALL.has(Bits::CAPACITY));
        assert_eq!(Bits::first(Bits::CAPACITY + 1), Bits::ALL);
        assert_eq!(Bits::first(3), Bits::of_first_bank(0b111));
        assert_eq!(Bits::only(4).first_bank(), 1 << 4);
        assert_eq!([0, 1, 32, 33, 256].map(banks_for), [1, 1, 1, 2, 8]);
    }
}
