//! Hashes without collisions for lists of names, by which JavaScript finds them: see `lib/core/name-index.ts`, which uses them.
//!
//! They are found here since it takes JavaScript milliseconds in a program that has just started.

use std::collections::BTreeMap;

use crate::feature_table::MAX_NAME_LENGTH;

/// Positions of the one letter that are tried.
const MOST_FIRST: usize = 16;

/// Lists that are longer are hardly ever told apart by one letter at one position.
const MOST_BY_ONE_LETTER: usize = 16;

/// Enough slots for one letter to find a hash without collisions.
const SLOTS_PER_NAME: usize = 4;

/// Pairs of factors for the second letter and the third: those for digits first, which many names end in.
const PAIRS: [(u32, u32); 3] = [(10, 100), (37, 5), (17, 91)];

/// The ranges of codes: that of letters first.
const RANGES: [u32; 4] = [128, 256, 512, 1024];

/// How many positions are tried, which takes some milliseconds at most.
const MOST_ATTEMPTS: u32 = 50_000;

/// Lengths of names.
pub const LENGTHS: usize = MAX_NAME_LENGTH + 1;

/// How a name leads to its slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hash {
    /// `letter at first × factor + length`, of as many bits as count the slots.
    OneLetter {
        /// The position.
        first: u32,
        /// Odd.
        factor: u32,
    },
    /// `letter + second × letter + third × letter`, modulo `range`, after the first slot of the name's length.
    ByLength(ByLength),
}

/// See [`Hash::ByLength`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByLength {
    /// By length: the positions of the letters in six bits each, from the lowest, and from bit 18 on the first slot, which is
    /// not 0; 0 for lengths that no name has.
    pub places: Vec<u32>,
    /// How many letters count.
    pub letters: u32,
    /// The factors.
    pub second: u32,
    /// See `second`.
    pub third: u32,
    /// A power of two.
    pub range: u32,
}

/// A hash, and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameIndex {
    /// The hash.
    pub hash: Hash,
    /// The place in the list of the name in each slot; `None` for empty ones.
    pub slots: Vec<Option<usize>>,
}

/// Finds a hash without collisions for these names, which are valid and distinct. `None` if three letters do not tell all of
/// them apart, or it would take too long to find out.
#[must_use]
pub fn find(names: &[String]) -> Option<NameIndex> {
    by_one_letter(names).or_else(|| Search::new(names).run())
}

fn by_one_letter(names: &[String]) -> Option<NameIndex> {
    if names.is_empty() || names.len() > MOST_BY_ONE_LETTER {
        return None;
    }
    let size = (names.len() * SLOTS_PER_NAME).next_power_of_two();
    (0..MOST_FIRST).find_map(|first| {
        (1..32).step_by(2).find_map(|factor| {
            let mut slots = vec![None; size];
            for (bit, name) in names.iter().enumerate() {
                let letter = usize::from(*name.as_bytes().get(first)?);
                let slot = slots.get_mut((letter * factor + name.len()) % size)?;
                if slot.replace(bit).is_some() {
                    return None;
                }
            }
            let (first, factor) = (u32::try_from(first).ok()?, u32::try_from(factor).ok()?);
            Some(NameIndex {
                hash: Hash::OneLetter { first, factor },
                slots,
            })
        })
    })
}

/// The names of one length, with their places in the list.
struct Group<'n> {
    length: usize,
    names: Vec<(usize, &'n [u8])>,
    /// The positions that tell them apart, and their codes then.
    place: u32,
    codes: Vec<u32>,
}

struct Search<'n> {
    /// The largest first: it is the hardest one.
    groups: Vec<Group<'n>>,
    attempts: u32,
    /// The last attempt in which a code was seen.
    seen: Vec<u32>,
}

impl<'n> Search<'n> {
    fn new(names: &'n [String]) -> Self {
        let mut by_length: BTreeMap<usize, Vec<(usize, &[u8])>> = BTreeMap::new();
        for (bit, name) in names.iter().enumerate() {
            let group = by_length.entry(name.len()).or_default();
            group.push((bit, name.as_bytes()));
        }
        let mut groups: Vec<Group<'_>> = by_length
            .into_iter()
            .map(|(length, names)| Group {
                length,
                names,
                place: 0,
                codes: Vec::new(),
            })
            .collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.names.len()));
        let most = RANGES.into_iter().max().unwrap_or(0);
        Self {
            groups,
            attempts: 0,
            seen: vec![0; most as usize],
        }
    }

    fn run(mut self) -> Option<NameIndex> {
        let mut hash = candidates().find(|hash| self.find_places(hash))?;
        let slots = self.place_groups(&mut hash);
        Some(NameIndex {
            hash: Hash::ByLength(hash),
            slots,
        })
    }

    /// Finds letters that tell the names of each length apart, from the last ones on.
    fn find_places(&mut self, hash: &ByLength) -> bool {
        let Self {
            groups,
            attempts,
            seen,
        } = self;
        groups
            .iter_mut()
            .all(|group| find_place(group, hash, attempts, seen))
    }

    /// Gives each length the first slots that are free for all its names. The first slot of all stays empty.
    fn place_groups(&self, hash: &mut ByLength) -> Vec<Option<usize>> {
        let mut slots: Vec<Option<usize>> = vec![None];
        for group in &self.groups {
            let is_taken = |slots: &[Option<usize>], slot: u32| {
                slots.get(slot as usize).is_some_and(Option::is_some)
            };
            let mut start = 1;
            while group
                .codes
                .iter()
                .any(|code| is_taken(&slots, start + code))
            {
                start += 1;
            }
            if let Some(place) = hash.places.get_mut(group.length) {
                *place = group.place | start << 18;
            }
            for (code, (bit, _)) in group.codes.iter().zip(&group.names) {
                let slot = (start + code) as usize;
                if slots.len() <= slot {
                    slots.resize(slot + 1, None);
                }
                if let Some(slot) = slots.get_mut(slot) {
                    *slot = Some(*bit);
                }
            }
        }
        slots
    }
}

/// The hashes that are tried, without their places. A single letter needs no factors, and is below the first range.
fn candidates() -> impl Iterator<Item = ByLength> {
    (1..=3).flat_map(|letters| {
        let all = RANGES.into_iter().flat_map(move |range| {
            PAIRS.into_iter().map(move |(second, third)| ByLength {
                places: vec![0; LENGTHS],
                letters,
                second,
                third,
                range,
            })
        });
        all.take(if letters == 1 { 1 } else { usize::MAX })
    })
}

fn find_place(
    group: &mut Group<'_>,
    hash: &ByLength,
    attempts: &mut u32,
    seen: &mut [u32],
) -> bool {
    let length = u32::try_from(group.length).unwrap_or(0);
    for one in (0..length).rev() {
        let lowest = if hash.letters == 1 { one } else { 0 };
        for two in (lowest..=one).rev() {
            let lowest = if hash.letters == 3 { 0 } else { two };
            for three in (lowest..=two).rev() {
                if *attempts >= MOST_ATTEMPTS {
                    return false;
                }
                *attempts += 1;
                let place = one | two << 6 | three << 12;
                if tells(group, place, hash, *attempts, seen) {
                    return true;
                }
            }
        }
    }
    false
}

fn tells(
    group: &mut Group<'_>,
    place: u32,
    hash: &ByLength,
    attempt: u32,
    seen: &mut [u32],
) -> bool {
    group.codes.clear();
    for (_, name) in &group.names {
        let code = code_of(name, place, hash);
        let Some(last) = seen.get_mut(code as usize) else {
            return false;
        };
        if *last == attempt {
            return false;
        }
        *last = attempt;
        group.codes.push(code);
    }
    group.place = place;
    true
}

fn code_of(name: &[u8], place: u32, hash: &ByLength) -> u32 {
    let letter = |shift: u32| {
        let position = (place >> shift & 63) as usize;
        name.get(position).copied().map_or(0, u32::from)
    };
    let mut code = letter(0);
    if hash.letters > 1 {
        code += letter(6) * hash.second;
    }
    if hash.letters > 2 {
        code += letter(12) * hash.third;
    }
    code % hash.range
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// The slot of a name, as JavaScript computes it.
    fn slot_of(index: &NameIndex, name: &str) -> usize {
        match &index.hash {
            Hash::OneLetter { first, factor } => {
                let letter = usize::from(name.as_bytes()[*first as usize]);
                (letter * *factor as usize + name.len()) % index.slots.len()
            }
            Hash::ByLength(hash) => {
                let place = hash.places[name.len()];
                ((place >> 18) + code_of(name.as_bytes(), place, hash)) as usize
            }
        }
    }

    fn check(names: &[String]) {
        let index = find(names).unwrap();
        for (bit, name) in names.iter().enumerate() {
            assert_eq!(index.slots[slot_of(&index, name)], Some(bit), "{name}");
        }
        let taken = index.slots.iter().flatten().count();
        assert_eq!(taken, names.len());
        if let Hash::ByLength(hash) = &index.hash {
            assert_eq!(index.slots[0], None);
            let lengths: BTreeSet<usize> = names.iter().map(String::len).collect();
            for (length, place) in hash.places.iter().enumerate() {
                assert_eq!(*place != 0, lengths.contains(&length));
            }
        }
    }

    fn numbered(name: impl Fn(usize) -> String) -> Vec<String> {
        (0..256).map(name).collect()
    }

    #[test]
    fn names_that_end_in_numbers_have_an_index() {
        check(&numbered(|number| format!("feature_{number}")));
        check(&numbered(|number| format!("feature_{number:03}")));
        check(&numbered(|number| {
            format!("{}{}", "x".repeat(1 + number % 60), number)
        }));
    }

    #[test]
    fn names_that_three_letters_do_not_tell_apart_have_none() {
        let bits =
            |number: usize| (0..8).map(move |bit| if number >> bit & 1 == 1 { 'a' } else { 'b' });
        assert_eq!(find(&numbered(|number| bits(number).collect())), None);
    }

    #[test]
    fn a_few_names_are_told_apart_by_one_letter() {
        let names = ["checkout", "search", "payments"].map(str::to_owned);
        check(&names);
        assert!(matches!(find(&names).unwrap().hash, Hash::OneLetter { .. }));
    }

    proptest! {
        #[test]
        fn real_lists_have_an_index(names in prop::collection::btree_set("[a-z]{3,9}-[a-z]{3,9}(-[a-z]{2,9})?", 1..200)) {
            check(&names.into_iter().collect::<Vec<_>>());
        }
    }
}
