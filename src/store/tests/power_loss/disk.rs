//! A disk that may lose whatever was not synced.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::log::{Event, Inode};

/// What a drive writes as a whole, unless the power goes in the middle of it.
const SECTOR: usize = 512;

/// The files that a power loss leaves, by name.
pub(super) type Image = BTreeMap<String, Vec<u8>>;

/// Which of the changes that were not synced have reached the disk.
#[derive(Clone, Copy, Debug)]
pub(super) enum Luck {
    /// None of them.
    None,
    /// All of them, as when only the process was killed.
    All,
    /// Any of them: each name, length and sector by itself, about one in `256 / chance`, some sectors in part.
    Random { chance: u64, seed: u64 },
}

/// The state of the disk at some point of a log.
#[derive(Debug, Default)]
pub(super) struct Disk {
    files: Vec<File>,
    names: BTreeMap<String, Inode>,
    pending_names: Vec<(String, Option<Inode>)>,
}

#[derive(Debug, Default)]
struct File {
    synced: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

impl Disk {
    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::Created { name, inode } => {
                if self.files.len() <= *inode {
                    self.files.resize_with(inode + 1, File::default);
                }
                self.pending_names.push((name.clone(), Some(*inode)));
            }
            Event::Deleted { name } => self.pending_names.push((name.clone(), None)),
            Event::Written {
                inode,
                offset,
                bytes,
            } => self.files[*inode].pending.push(Change::Write {
                offset: *offset,
                bytes: bytes.clone(),
            }),
            Event::Truncated { inode, length } => {
                self.files[*inode].pending.push(Change::Length(*length));
            }
            Event::Synced { inode } => {
                let file = &mut self.files[*inode];
                file.synced = file.with(&mut Chooser::of(Luck::All));
                file.pending.clear();
            }
            Event::DirectorySynced => {
                self.names = self.names_with(&mut Chooser::of(Luck::All));
                self.pending_names.clear();
            }
            Event::Acknowledged(_) => {}
        }
    }

    /// What a power loss at this point may leave.
    pub(super) fn image(&self, luck: Luck) -> Image {
        let mut chooser = Chooser::of(luck);
        self.names_with(&mut chooser)
            .into_iter()
            .map(|(name, inode)| (name, self.files[inode].with(&mut chooser)))
            .collect()
    }

    fn names_with(&self, chooser: &mut Chooser) -> BTreeMap<String, Inode> {
        let mut names = self.names.clone();
        for (name, inode) in &self.pending_names {
            if !chooser.keeps() {
                continue;
            }
            match inode {
                Some(inode) => drop(names.insert(name.clone(), *inode)),
                None => drop(names.remove(name)),
            }
        }
        names
    }
}

impl File {
    fn with(&self, chooser: &mut Chooser) -> Vec<u8> {
        let mut contents = self.synced.clone();
        for change in &self.pending {
            match change {
                Change::Length(length) => {
                    if chooser.keeps() {
                        contents.resize(*length, 0);
                    }
                }
                Change::Write { offset, bytes } => write(&mut contents, *offset, bytes, chooser),
            }
        }
        contents
    }
}

/// Writes those sectors, or parts of them, that the chooser keeps. Bytes beside those written stay what they are: SQLite
/// relies on that (`SQLITE_POWERSAFE_OVERWRITE`).
fn write(contents: &mut Vec<u8>, offset: usize, bytes: &[u8], chooser: &mut Chooser) {
    let mut start = 0;
    while start < bytes.len() {
        let end = bytes.len().min(start + SECTOR - (offset + start) % SECTOR);
        let kept = chooser.part_of(end - start);
        let (from, until) = (offset + start, offset + start + kept);
        if kept > 0 {
            if contents.len() < until {
                contents.resize(until, 0);
            }
            contents[from..until].copy_from_slice(&bytes[start..start + kept]);
        }
        start = end;
    }
}

/// Puts the image into a directory that holds nothing else.
pub(super) fn lay_out(image: &Image, directory: &Path) {
    for entry in fs::read_dir(directory).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    for (name, contents) in image {
        fs::write(directory.join(name), contents).unwrap();
    }
}

/// Decides, the same way for the same luck.
struct Chooser {
    luck: Luck,
    state: u64,
}

impl Chooser {
    fn of(luck: Luck) -> Self {
        let state = match luck {
            Luck::Random { seed, .. } => seed,
            _ => 0,
        };
        Self { luck, state }
    }

    fn keeps(&mut self) -> bool {
        match self.luck {
            Luck::None => false,
            Luck::All => true,
            Luck::Random { chance, .. } => self.next() % 256 < chance,
        }
    }

    /// How many of the first bytes of a sector reach the disk.
    fn part_of(&mut self, length: usize) -> usize {
        if let Luck::Random { .. } = self.luck
            && self.next().is_multiple_of(16)
        {
            let length = u64::try_from(length).unwrap();
            return usize::try_from(self.next() % (length + 1)).unwrap();
        }
        if self.keeps() { length } else { 0 }
    }

    /// `SplitMix64`.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}
