//! What was done to the files of a database, in order.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::sync::lock;

/// A file, whatever names it has. Numbers count from 0 in the order of creation.
pub(super) type Inode = usize;

/// A revision that `persist`, `rollback` or `promote` has answered with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Acknowledged {
    pub(super) id: i64,
    pub(super) digest: [u8; 32],
}

/// One step.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// A name was given to a new file.
    Created { name: String, inode: Inode },
    /// A name was taken away.
    Deleted { name: String },
    /// Bytes were written.
    Written {
        inode: Inode,
        offset: usize,
        bytes: Vec<u8>,
    },
    /// The length was set.
    Truncated { inode: Inode, length: usize },
    /// The contents of a file were synced.
    Synced { inode: Inode },
    /// The names in the directory were synced.
    DirectorySynced,
    /// A caller was told that its revision is on disk.
    Acknowledged(Acknowledged),
}

/// The events of one directory.
#[derive(Debug, Default)]
pub(super) struct Log {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    events: Vec<Event>,
    names: HashMap<String, Inode>,
    files: usize,
}

impl Log {
    /// A log that goes on after these events.
    pub(super) fn after(events: &[Event]) -> Self {
        let log = Self::default();
        for event in events {
            let mut state = lock(&log.state);
            match event {
                Event::Created { name, inode } => {
                    state.names.insert(name.clone(), *inode);
                    state.files = state.files.max(inode + 1);
                }
                Event::Deleted { name } => drop(state.names.remove(name)),
                _ => {}
            }
            state.events.push(event.clone());
        }
        log
    }

    pub(super) fn push(&self, event: Event) {
        lock(&self.state).events.push(event);
    }

    /// The file of this name, which is created if there is none.
    pub(super) fn open(&self, name: &str) -> Inode {
        let mut state = lock(&self.state);
        if let Some(inode) = state.names.get(name) {
            return *inode;
        }
        let inode = state.files;
        state.files += 1;
        state.names.insert(name.to_owned(), inode);
        state.events.push(Event::Created {
            name: name.to_owned(),
            inode,
        });
        inode
    }

    pub(super) fn delete(&self, name: &str) {
        let mut state = lock(&self.state);
        if state.names.remove(name).is_some() {
            state.events.push(Event::Deleted {
                name: name.to_owned(),
            });
        }
    }

    pub(super) fn acknowledge(&self, id: i64, digest: [u8; 32]) {
        self.push(Event::Acknowledged(Acknowledged { id, digest }));
    }

    pub(super) fn events(&self) -> Vec<Event> {
        lock(&self.state).events.clone()
    }
}
