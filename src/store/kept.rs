//! What a store knows of the pages that it looks after.

use crate::page::Page;

/// A page that the store looks after. Each is there once, since every holder counts as a user of the page.
#[derive(Clone, Debug)]
pub struct Kept {
    pub environment: String,
    pub page: Page,
    /// Its identity: when the memory has another one, it is in use for something else.
    pub page_id: u64,
    /// Whether it is brought up to what others persist without persisting itself.
    pub follows: bool,
}
