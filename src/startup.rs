//! What the page of a configuration starts with.

use std::cell::Cell;

use crate::bits::Bits;
use crate::declaration::{self, Declaration};
use crate::error::Error;
use crate::feature_table::{DEFAULT_FEATURES, FeatureTable};
use crate::page::{self, Initial, Page, Parts, Persisted, State};
use crate::store::{Opened, Opening, Store};
use crate::watch;

/// How a configuration is to start.
#[derive(Clone, Debug)]
pub struct Startup {
    /// The environment it reads and writes.
    pub environment: String,
    /// The features it needs; by default those that the table has, or the default ones in a new table.
    pub features: Option<Vec<String>>,
    /// What it says of some of them.
    pub declarations: Vec<Declaration>,
    /// The actor of the revision that seeds them.
    pub actor: String,
    /// Features that are on when nothing was persisted. Names that the table lacks are ignored.
    pub enabled: Vec<String>,
    /// Whether it starts from the last persisted state when there is one.
    pub auto_load: bool,
    /// Whether a live page is only joined, and refused if it is not in use.
    pub live_must_exist: bool,
}

impl Startup {
    /// Registers the features in the store, and gives what a new page starts with.
    pub fn from_store(&self, store: &Store) -> Result<Initial, Error> {
        Ok(self.initial(self.attach(store)?))
    }

    fn attach(&self, store: &Store) -> Result<Opened, Error> {
        store.attach_as(Opening {
            environment: self.environment.clone(),
            features: self.features.clone(),
            declarations: self.declarations.clone(),
            actor: self.actor.clone(),
            is_alone: false,
        })
    }

    fn initial(&self, opened: Opened) -> Initial {
        let Opened {
            revision,
            is_untouched,
            table,
            ..
        } = opened;
        let persisted = revision.as_ref().map(|last| Persisted {
            revision: last.id.cast_unsigned(),
            state: last.state,
        });
        let state = match revision.filter(|_| self.auto_load) {
            Some(last) => {
                let mut state = last.state;
                if is_untouched {
                    state.flags = state.flags | self.flags_when_new(&table);
                }
                describe(state, &table)
            }
            None => self.fresh_state(&table),
        };
        Initial {
            state,
            table,
            persisted,
        }
    }

    /// What a page without a store starts with.
    pub fn fresh(&self) -> Result<Initial, Error> {
        let table = match &self.features {
            Some(names) => FeatureTable::new(names)?,
            None => FeatureTable::new(DEFAULT_FEATURES)?,
        };
        Ok(Initial {
            state: self.fresh_state(&table),
            table,
            persisted: None,
        })
    }

    /// The page that all processes with this store and environment share, in a file beside the database.
    pub fn open_live_with_store(&self, store: &Store) -> Result<Page, Error> {
        let Opened {
            table, is_seeded, ..
        } = self.attach(store)?;
        let path = page::live_path(store.path(), &self.environment);
        // Read again once this process is alone with the file: another process may have persisted and ended meanwhile.
        let page = if self.live_must_exist {
            page::join_live(&path, &table, Some(store.path()))?
        } else {
            page::open_live(&path, &table, Some(store.path()), || self.from_store(store))?
        };
        if is_seeded {
            store.bring_up(&self.environment, &page)?;
        } else {
            store.keep(&self.environment, &page)?;
        }
        Ok(page)
    }

    /// The page that all processes with this cluster name and environment share.
    pub fn open_live(&self, cluster: Option<&str>) -> Result<Page, Error> {
        let names = FeatureTable::new(self.features.iter().flatten())?;
        let path = page::cluster_path(cluster, &self.environment, !self.live_must_exist)?;
        let nobody = FeatureTable::default();
        let page = if self.live_must_exist {
            page::join_live(&path, &nobody, None)?
        } else {
            page::open_live(&path, &nobody, None, || self.fresh())?
        };
        let is_seeded = Cell::new(false);
        page.add_features(names.names(), |table, added| {
            let seeds = declaration::seeds(&self.declarations, table, added, &State::EMPTY);
            is_seeded.set(seeds.parts() != Parts::default());
            seeds
        })?;
        if is_seeded.get() {
            watch::announce(&page);
        }
        Ok(page)
    }

    fn flags_when_new(&self, table: &FeatureTable) -> Bits {
        let enabled = self.enabled.iter();
        enabled.filter_map(|name| table.bit(name)).collect()
    }

    fn fresh_state(&self, table: &FeatureTable) -> State {
        let state = State {
            flags: self.flags_when_new(table),
            ..State::EMPTY
        };
        let seeds = declaration::seeds(&self.declarations, table, Bits::ALL, &state);
        describe(seeds.apply_to(state), table)
    }
}

/// The registry hash describes the table in use now, not the one at the time of persisting.
fn describe(mut state: State, table: &FeatureTable) -> State {
    state.registry_hashes = table.hashes();
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    fn startup(features: Option<&[&str]>) -> Startup {
        Startup {
            environment: "test".to_owned(),
            features: features.map(|names| names.iter().map(ToString::to_string).collect()),
            declarations: Vec::new(),
            actor: String::new(),
            enabled: vec!["debug".to_owned(), "logging".to_owned()],
            auto_load: true,
            live_must_exist: false,
        }
    }

    #[test]
    fn a_fresh_state_has_the_features_that_exist_and_were_asked_for() {
        let initial = startup(None).fresh().unwrap();
        assert_eq!(initial.state.flags.first_bank(), 0b1001);
        assert_eq!(initial.table.names(), DEFAULT_FEATURES);
        let initial = startup(Some(&["a", "b", "debug"])).fresh().unwrap();
        assert_eq!(initial.state.flags.first_bank(), 0b100);
        assert_eq!(initial.state.registry_hashes, initial.table.hashes());
    }
}
