//! Pages that one thread of this process offers to others, by page id.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use once_cell::sync::Lazy;

use super::{Page, PageMemory};
use crate::sync::lock;

/// Offers kept before those of pages that are gone are looked for.
const FIRST_SWEEP: usize = 64;

#[derive(Default)]
struct Offers {
    pages: HashMap<u64, Weak<PageMemory>>,
    /// At how many offers to sweep: twice what the last sweep left, so that offering takes constant time on average.
    sweep_at: usize,
}

static OFFERS: Lazy<Mutex<Offers>> = Lazy::new(Mutex::default);

/// Lets every thread of this process [`find`] the page as long as it is in use, and returns its id.
#[must_use]
pub fn offer(page: &Page) -> u64 {
    let id = page.id();
    let mut offers = lock(&OFFERS);
    if offers.pages.len() >= offers.sweep_at {
        offers.pages.retain(|id, page| in_use(page, *id).is_some());
        offers.sweep_at = FIRST_SWEEP.max(2 * offers.pages.len());
    }
    offers.pages.insert(id, Arc::downgrade(&page.0));
    id
}

/// The page that was offered with this id, if it is still in use.
#[must_use]
pub fn find(id: u64) -> Option<Page> {
    let offers = lock(&OFFERS);
    in_use(offers.pages.get(&id)?, id)
}

/// An arena keeps its pages for the next user, who gets another id. It takes a page for that only while there is no
/// other holder, and counts as its holder again only once the new id is in place.
fn in_use(page: &Weak<PageMemory>, id: u64) -> Option<Page> {
    let page = Page(page.upgrade()?);
    (page.has_users_beside_this() && page.id() == id).then_some(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::{Arena, State};

    #[test]
    fn an_offered_page_is_found_while_somebody_uses_it() {
        let mut arena = Arena::default();
        let handle = arena.allocate(&State::with_flags(0b111), 0, false).unwrap();
        let page = arena.page(handle).unwrap().clone();
        let id = offer(&page);
        assert!(find(id).unwrap().is(&page));
        arena.release(handle).unwrap();
        assert!(find(id).unwrap().is(&page), "the clone is a use");
        drop(page);
        assert!(find(id).is_none());
        assert!(find(id ^ 1).is_none());
    }

    #[test]
    fn an_offered_page_is_used_again_and_the_offer_is_void() {
        let mut arena = Arena::default();
        let first = arena.allocate(&State::with_flags(0b111), 0, false).unwrap();
        let id = offer(arena.page(first).unwrap());
        arena.release(first).unwrap();
        assert_eq!(
            arena.allocate(&State::with_flags(0b111), 0, false).unwrap(),
            first
        );
        assert!(find(id).is_none());
        let again = offer(arena.page(first).unwrap());
        assert!(find(again).is_some());
    }

    #[test]
    fn offers_of_pages_that_are_gone_are_swept() {
        let mut arena = Arena::default();
        for _ in 0..5_000 {
            let handle = arena.allocate(&State::with_flags(0b111), 0, false).unwrap();
            let _id = offer(arena.page(handle).unwrap());
            arena.release(handle).unwrap();
        }
        let offers = OFFERS.lock().unwrap();
        assert!(offers.pages.len() < 1_000, "{}", offers.pages.len());
    }
}
