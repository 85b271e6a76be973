//! Pages that one thread of this process offers to others, by page id.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use once_cell::sync::Lazy;

use super::{Page, PageMemory};

static OFFERED: Lazy<Mutex<HashMap<u64, Weak<PageMemory>>>> = Lazy::new(Mutex::default);

/// Lets every thread of this process [`find`] the page, and returns its id.
pub fn offer(page: &Page) -> u64 {
    let id = page.id();
    let mut offered = OFFERED.lock().unwrap_or_else(PoisonError::into_inner);
    offered.retain(|_, page| page.strong_count() > 0);
    offered.insert(id, Arc::downgrade(&page.0));
    id
}

/// The page that was offered with this id, unless its memory is used for another one by now.
#[must_use]
pub fn find(id: u64) -> Option<Page> {
    let offered = OFFERED.lock().unwrap_or_else(PoisonError::into_inner);
    let page = Page(offered.get(&id)?.upgrade()?);
    // Held from here on, so it stays the page it is.
    (page.id() == id).then_some(page)
}
