//! Feature names and the bits they own.
//!
//! A bit belongs to its name as long as any program runs that knows it: a table only grows, so two programs with different lists
//! never misread each other's flags. A retired name is hidden, and keeps its bit until the bit is given to another one while no
//! program has the database open. What was persisted before that still means the former name.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::bits::{BANK_SIZE, BANKS, Bits};
use crate::error::Error;
use crate::record::DEFAULT_REGISTRY_HASH;

/// Features that have a bit.
pub const MAX_FEATURES: usize = Bits::CAPACITY;

/// Bytes of the longest feature name.
pub const MAX_NAME_LENGTH: usize = 63;

/// The features of a new table when none are listed, from bit 0 up.
pub const DEFAULT_FEATURES: [&str; 11] = [
    "debug",
    "verbose",
    "metrics",
    "logging",
    "caching",
    "compression",
    "encryption",
    "validation",
    "beta_feature",
    "new_feature",
    "maintenance_mode",
];

/// Seed of the registry hash.
const HASH_SEED: u32 = 0x9747_b28c;

/// The names that own the bits, from bit 0 up. Names are valid and distinct, and there are at most [`MAX_FEATURES`]. Clones
/// share them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureTable {
    names: Arc<[String]>,
    hashes: [u32; BANKS],
    retired: Bits,
    changes: u32,
    former: Arc<[Former]>,
}

/// A name whose bit belongs to another one now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Former {
    /// The bit.
    pub bit: usize,
    /// The name.
    pub name: String,
    /// The first epoch in which the bit meant something else.
    pub until: u32,
}

impl Default for FeatureTable {
    fn default() -> Self {
        Self::of(Vec::new())
    }
}

impl FeatureTable {
    /// A table of these names in this order.
    pub fn new<I: IntoIterator<Item = S>, S: AsRef<str>>(names: I) -> Result<Self, Error> {
        let mut known: Vec<String> = Vec::new();
        let mut seen = BTreeSet::new();
        for name in names {
            let name = name.as_ref();
            if !seen.insert(name.to_owned()) {
                let name = name.to_owned();
                return Err(Error::DuplicateFeature { name });
            }
            append(&mut known, name)?;
        }
        Ok(Self::of(known))
    }

    /// The names are checked.
    fn of(names: Vec<String>) -> Self {
        let mut banks = names.chunks(BANK_SIZE);
        let hashes = std::array::from_fn(|_| banks.next().map_or(0, hash_names));
        Self {
            names: names.into(),
            hashes,
            retired: Bits::NONE,
            changes: 0,
            former: Arc::default(),
        }
    }

    /// The same table with these names retired. `changes` counts how often names were retired, revived or replaced.
    #[must_use]
    pub fn with_retired(mut self, retired: Bits, changes: u32) -> Self {
        (self.retired, self.changes) = (retired & self.mask(), changes);
        self
    }

    /// The same table with names whose bits have others now.
    #[must_use]
    pub fn with_former(mut self, former: Vec<Former>) -> Self {
        self.former = former.into();
        self
    }

    /// Gives each name that has no bit yet the next free one, and returns those names in order. Names for which no bit is
    /// left stay without one: a program must start for all that. On an error nothing has changed.
    pub fn register<'n, I: IntoIterator<Item = &'n str>>(
        &mut self,
        names: I,
    ) -> Result<Vec<&'n str>, Error> {
        let mut grown = self.names.to_vec();
        let mut seen: BTreeSet<&str> = self.names.iter().map(String::as_str).collect();
        let mut added = Vec::new();
        for name in names {
            if !seen.insert(name) {
                continue;
            }
            match append(&mut grown, name) {
                Ok(()) => added.push(name),
                Err(Error::TooManyFeatures { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if !added.is_empty() {
            let Self {
                retired,
                changes,
                former,
                ..
            } = self;
            *self = Self {
                retired: *retired,
                changes: *changes,
                former: Arc::clone(former),
                ..Self::of(grown)
            };
        }
        Ok(added)
    }

    /// The bit that `name` owns.
    #[must_use]
    pub fn bit(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// The names, from bit 0 up.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// One flag for each name: the flags a record of this table may have.
    #[must_use]
    pub fn mask(&self) -> Bits {
        Bits::first(self.names.len())
    }

    /// Whether these are the default features, in their order, as they are at first.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self.names == DEFAULT_FEATURES && self.changes == 0
    }

    /// The retired names.
    #[must_use]
    pub const fn retired(&self) -> Bits {
        self.retired
    }

    /// How often names were retired, revived or replaced.
    #[must_use]
    pub const fn changes(&self) -> u32 {
        self.changes
    }

    /// Goes up whenever bits are given to other names.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.former
            .iter()
            .map(|former| former.until)
            .max()
            .unwrap_or(0)
    }

    /// The names that owned bits in an epoch and do not now, by bit.
    #[must_use]
    pub fn former_at(&self, epoch: u32) -> Vec<(usize, &str)> {
        let mut found: Vec<(usize, u32, &str)> = Vec::new();
        for Former { bit, name, until } in &*self.former {
            if *until <= epoch {
                continue;
            }
            // The one that owned it first after that.
            match found.iter_mut().find(|(other, ..)| other == bit) {
                Some(earlier) if earlier.1 > *until => *earlier = (*bit, *until, name),
                Some(_) => {}
                None => found.push((*bit, *until, name)),
            }
        }
        found.sort_unstable();
        found
            .into_iter()
            .map(|(bit, _, name)| (bit, name))
            .collect()
    }

    /// The first names, as they were in an epoch.
    #[must_use]
    pub fn names_at(&self, count: usize, epoch: u32) -> Vec<String> {
        let former = self.former_at(epoch);
        let bits = former.last().map_or(0, |(bit, _)| bit + 1);
        (0..bits.max(self.names.len()).min(count))
            .map_while(|bit| {
                let then = former.iter().find(|(other, _)| *other == bit);
                let name = then.map(|(_, name)| *name);
                name.or_else(|| self.names.get(bit).map(String::as_str))
            })
            .map(str::to_owned)
            .collect()
    }

    /// For each bit, which one its name had in an epoch, when there were so many names; `None` if it had none.
    #[must_use]
    pub fn bits_then(&self, count: usize, epoch: u32) -> Vec<Option<usize>> {
        let then = self.names_at(count, epoch);
        let places: BTreeMap<&str, usize> = then.iter().map(String::as_str).zip(0..).collect();
        let names = self.names.iter().map(String::as_str);
        names.map(|name| places.get(name).copied()).collect()
    }

    /// For each bank, the hash that describes its names in a record; 0 for none.
    #[must_use]
    pub const fn hashes(&self) -> [u32; BANKS] {
        self.hashes
    }
}

/// The hash of the names of a bank. The default features have a constant of their own.
#[must_use]
pub fn hash_names(names: &[String]) -> u32 {
    if names == DEFAULT_FEATURES {
        DEFAULT_REGISTRY_HASH
    } else {
        murmur3_x86_32(names.join("\n").as_bytes(), HASH_SEED)
    }
}

fn append(names: &mut Vec<String>, name: &str) -> Result<(), Error> {
    if !FEATURE_NAME.allows(name) {
        return Err(Error::FeatureName {
            name: name.to_owned(),
        });
    }
    if names.len() == MAX_FEATURES {
        let name = name.to_owned();
        return Err(Error::TooManyFeatures {
            name,
            most: MAX_FEATURES,
        });
    }
    names.push(name.to_owned());
    Ok(())
}

/// What a name may be: one of some characters, then letters, digits, `_`, `.` and `-`, all of them ASCII.
#[derive(Debug)]
pub struct NameRule {
    first: &'static [RangeInclusive<u8>],
    max_length: usize,
}

/// A feature: a letter, then up to 62 letters, digits, `_`, `.` or `-`.
pub const FEATURE_NAME: NameRule = NameRule {
    first: &[b'A'..=b'Z', b'a'..=b'z'],
    max_length: MAX_NAME_LENGTH,
};

/// An environment or a cluster: a letter, digit or `_`, then up to 63 letters, digits, `_`, `.` or `-`.
pub const ENVIRONMENT_NAME: NameRule = NameRule {
    first: &[b'A'..=b'Z', b'a'..=b'z', b'0'..=b'9', b'_'..=b'_'],
    max_length: 64,
};

const AFTER_THE_FIRST: [RangeInclusive<u8>; 6] = [
    b'A'..=b'Z',
    b'a'..=b'z',
    b'0'..=b'9',
    b'_'..=b'_',
    b'.'..=b'.',
    b'-'..=b'-',
];

impl NameRule {
    /// Whether the rule allows a name.
    #[must_use]
    pub fn allows(&self, name: &str) -> bool {
        let is_in =
            |class: &[RangeInclusive<u8>], byte| class.iter().any(|range| range.contains(&byte));
        let mut bytes = name.bytes();
        name.len() <= self.max_length
            && bytes.next().is_some_and(|first| is_in(self.first, first))
            && bytes.all(|byte| is_in(&AFTER_THE_FIRST, byte))
    }

    /// The rule as a regular expression, for JavaScript and JSON schemas.
    #[must_use]
    pub fn pattern(&self) -> String {
        let first = class(self.first);
        let rest = class(&AFTER_THE_FIRST);
        format!("^{first}{rest}{{0,{}}}$", self.max_length - 1)
    }
}

/// A class of a regular expression. A `-` has to be its last character.
fn class(ranges: &[RangeInclusive<u8>]) -> String {
    let ranges = ranges.iter().map(|range| {
        let (start, end) = (char::from(*range.start()), char::from(*range.end()));
        if start == end {
            start.to_string()
        } else {
            format!("{start}-{end}")
        }
    });
    format!("[{}]", ranges.collect::<String>())
}

/// `MurmurHash3_x86_32`, after Austin Appleby's public-domain reference (github.com/aappleby/smhasher).
fn murmur3_x86_32(data: &[u8], seed: u32) -> u32 {
    const C1: u32 = 0xcc9e_2d51;
    const C2: u32 = 0x1b87_3593;
    let scramble = |word: u32| word.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2);

    let (blocks, tail) = data.as_chunks::<4>();
    let mut hash = blocks.iter().fold(seed, |hash, block| {
        (hash ^ scramble(u32::from_le_bytes(*block)))
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64)
    });
    // An empty tail scrambles to 0 and changes nothing.
    let last = tail
        .iter()
        .rev()
        .fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
    hash ^= scramble(last);

    // The reference mixes in the length as a 32-bit integer.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the algorithm is defined modulo 2^32"
    )]
    let length = data.len() as u32;
    hash ^= length;
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::string::string_regex;

    #[test]
    fn hashes_agree_with_published_vectors() {
        // From the reference implementation's commonly published test values.
        assert_eq!(murmur3_x86_32(b"", 0), 0);
        assert_eq!(murmur3_x86_32(b"", 1), 0x514e_28b7);
        assert_eq!(murmur3_x86_32(b"\0\0\0\0", 0), 0x2362_f9de);
        assert_eq!(murmur3_x86_32(b"aaaa", HASH_SEED), 0x5a97_808a);
        assert_eq!(murmur3_x86_32(b"abc", HASH_SEED), 0xc84a_62dd);
        assert_eq!(murmur3_x86_32(b"Hello, world!", HASH_SEED), 0x2488_4cba);
    }

    #[test]
    fn registry_hash_has_the_documented_values() {
        let hashes = |names: &[&str]| FeatureTable::new(names).unwrap().hashes();
        assert_eq!(hashes(&["a", "b", "c"])[0], 0x2058_86c9);
        assert_eq!(hashes(&DEFAULT_FEATURES)[0], DEFAULT_REGISTRY_HASH);
        // Each bank by itself: what a later one gets changes nothing.
        let names: Vec<String> = (0..40).map(|bit| format!("f{bit}")).collect();
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(hashes(&all)[0], hashes(&all[..32])[0]);
        assert_eq!(hashes(&all)[1], hashes(&all[32..])[0]);
        assert_eq!(hashes(&all)[2], 0);
    }

    #[test]
    fn registering_only_appends() {
        let mut table = FeatureTable::new(["a", "b", "c"]).unwrap();
        assert_eq!(
            table.register(["c", "x", "a", "y", "x"]).unwrap(),
            ["x", "y"]
        );
        assert_eq!(table.names(), ["a", "b", "c", "x", "y"]);
        assert_eq!(table.mask(), Bits::first(5));
    }

    #[test]
    fn a_257th_feature_has_no_bit() {
        let names: Vec<String> = (0..MAX_FEATURES).map(|bit| format!("f{bit}")).collect();
        let mut table = FeatureTable::new(&names).unwrap();
        assert_eq!(table.mask(), Bits::ALL);
        let before = table.clone();
        assert!(table.register(["f255", "one_more"]).unwrap().is_empty());
        assert_eq!(table, before);
        // What was no list of anybody's would be one with a mistake.
        let error =
            FeatureTable::new(names.iter().map(String::as_str).chain(["one_more"])).unwrap_err();
        assert_eq!(error.code().as_ref(), "ERR_TOO_MANY_FEATURES");
        assert!(error.to_string().contains("one_more"), "{error}");
        let error = table.register(["one more"]).unwrap_err();
        assert_eq!(error.code().as_ref(), "ERR_INVALID_FEATURE_NAME");
    }

    #[test]
    fn former_names_are_those_of_their_time() {
        let former = |bit: usize, name: &str, until| Former {
            bit,
            name: name.to_owned(),
            until,
        };
        // The bit 1 meant `x` until the first epoch, `y` until the third, and `b` since.
        let table = FeatureTable::new(["a", "b", "c"])
            .unwrap()
            .with_former(vec![
                former(1, "y", 3),
                former(1, "x", 1),
                former(2, "z", 3),
            ]);
        assert_eq!(table.epoch(), 3);
        assert_eq!(table.names_at(3, 0), ["a", "x", "z"]);
        assert_eq!(table.names_at(3, 1), ["a", "y", "z"]);
        assert_eq!(table.names_at(2, 2), ["a", "y"]);
        assert_eq!(table.names_at(3, 3), ["a", "b", "c"]);
        assert_eq!(table.bits_then(3, 0), [Some(0), None, None]);
        assert_eq!(table.bits_then(2, 3), [Some(0), Some(1), None]);
        // Names that moved when there were more.
        let moved = FeatureTable::new(["a", "d"]).unwrap().with_former(vec![
            former(1, "b", 1),
            former(2, "c", 1),
            former(3, "d", 1),
        ]);
        assert_eq!(moved.names_at(9, 0), ["a", "b", "c", "d"]);
        assert_eq!(moved.names_at(9, 1), ["a", "d"]);
        assert_eq!(moved.bits_then(4, 0), [Some(0), Some(3)]);
        assert_eq!(FeatureTable::default().epoch(), 0);
    }

    #[test]
    fn bad_names_are_refused() {
        for name in ["", "1st", "_a", "a b", "é", "a\n", &"a".repeat(64)] {
            let error = FeatureTable::new([name]).unwrap_err();
            assert_eq!(
                error.code().as_ref(),
                "ERR_INVALID_FEATURE_NAME",
                "{name:?}"
            );
        }
        assert!(FEATURE_NAME.allows(&"a".repeat(63)));
        let error = FeatureTable::new(["a", "a"]).unwrap_err();
        assert_eq!(error.code().as_ref(), "ERR_DUPLICATE_FEATURE");
    }

    #[test]
    fn environment_names_may_start_with_a_digit_but_not_with_a_dot() {
        assert!(ENVIRONMENT_NAME.allows("2nd_stage-eu.1"));
        assert!(ENVIRONMENT_NAME.allows(&"x".repeat(64)));
        for name in ["", ".", "-x", "a/b", "a b", &"x".repeat(65)] {
            assert!(!ENVIRONMENT_NAME.allows(name), "{name:?}");
        }
    }

    #[test]
    fn patterns_are_those_of_the_documented_rules() {
        assert_eq!(FEATURE_NAME.pattern(), "^[A-Za-z][A-Za-z0-9_.-]{0,62}$");
        assert_eq!(
            ENVIRONMENT_NAME.pattern(),
            "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$"
        );
    }

    fn matching(rule: &NameRule) -> impl Strategy<Value = String> {
        // A strategy knows no anchors.
        string_regex(rule.pattern().trim_matches(['^', '$'])).unwrap()
    }

    proptest! {
        #[test]
        fn rules_allow_what_their_patterns_match(
            feature in matching(&FEATURE_NAME),
            environment in matching(&ENVIRONMENT_NAME),
        ) {
            prop_assert!(FEATURE_NAME.allows(&feature));
            prop_assert!(ENVIRONMENT_NAME.allows(&environment));
        }

        /// Whatever lists are registered in whatever order, a name keeps the bit it first got.
        #[test]
        fn bits_are_for_good(lists in prop::collection::vec(prop::collection::vec("[a-f][0-9]", 0..12), 0..8)) {
            let mut table = FeatureTable::default();
            let mut model: Vec<String> = Vec::new();
            for list in &lists {
                table.register(list.iter().map(String::as_str)).unwrap();
                for name in list {
                    if !model.contains(name) && model.len() < MAX_FEATURES {
                        model.push(name.clone());
                    }
                }
                prop_assert_eq!(table.names(), model.as_slice());
            }
        }
    }
}
