//! Pages in anonymous memory, for configurations that one process owns.
//!
//! Pages are slices of chunks, so that thousands of configurations stay cheap: JavaScript makes one typed array
//! for a chunk and keeps a number for each page in it. Those of one block and those with a block for every bank are in
//! chunks of their own.

#![expect(unsafe_code, reason = "owns the allocation that pages are slices of")]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::collections::VecDeque;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::Acquire;
use std::sync::atomic::fence;
use std::sync::{Arc, OnceLock};

use super::layout::{BLOCK_SIZE, PAGE_ALIGN};
use super::{Owner, Page, PageMemory, State};
use crate::bits::BANKS;
use crate::error::Error;

/// Blocks of one chunk.
pub const BLOCKS_PER_CHUNK: usize = 512;

/// Bytes of one chunk.
pub const CHUNK_SIZE: usize = BLOCKS_PER_CHUNK * BLOCK_SIZE;

const CHUNK_LAYOUT: Layout = match Layout::from_size_align(CHUNK_SIZE, PAGE_ALIGN) {
    Ok(layout) => layout,
    Err(_) => panic!("64 is a power of two and the size is far below the limit"),
};

/// A block of zeroed memory that holds pages. It is freed when the arena and every page of it are gone.
#[derive(Debug)]
pub struct Chunk(NonNull<u8>);

// SAFETY: the chunk owns its bytes, which are only ever accessed atomically, through pages.
unsafe impl Send for Chunk {}
// SAFETY: as for `Send`.
unsafe impl Sync for Chunk {}

impl Chunk {
    fn new() -> Self {
        // SAFETY: the layout has a size other than 0.
        let bytes = unsafe { alloc_zeroed(CHUNK_LAYOUT) };
        Self(NonNull::new(bytes).unwrap_or_else(|| handle_alloc_error(CHUNK_LAYOUT)))
    }

    /// Start of the chunk's [`CHUNK_SIZE`] bytes.
    #[must_use]
    pub const fn as_ptr(&self) -> *mut u8 {
        self.0.as_ptr()
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout, and freed only here.
        unsafe {
            dealloc(self.0.as_ptr(), CHUNK_LAYOUT);
        }
    }
}

/// The pages of one thread. A page is known by its handle, which is the place of its first block: chunk × 512 + block.
#[derive(Debug, Default)]
pub struct Arena {
    chunks: Vec<Arc<Chunk>>,
    /// By handle. `None` where no page begins.
    pages: Vec<Option<Slot>>,
    one_block: Shelf,
    full: Shelf,
}

/// The pages of one size.
#[derive(Debug, Default)]
struct Shelf {
    /// Handles of released pages, oldest first.
    released: VecDeque<usize>,
    /// The next handle in the last chunk of this size; `None` while there is no room in one.
    next: Option<usize>,
}

#[derive(Debug)]
struct Slot {
    page: Page,
    /// The page once more while it is allocated, so that its users can be counted.
    user: Option<Page>,
}

const _: () = assert!(BLOCKS_PER_CHUNK.is_multiple_of(BANKS));

impl Arena {
    /// A page with this state, in an unused slot: with a block for every bank, or for the first alone. `contains` is the
    /// revision that the state comes from, 0 for none.
    pub fn allocate(&mut self, state: &State, contains: u64, is_full: bool) -> Result<u32, Error> {
        let handle = self.reuse(is_full).unwrap_or_else(|| self.grow(is_full));
        let number = u32::try_from(handle).map_err(|_| Error::PageNotOpen { handle: u32::MAX })?;
        if let Some(slot) = self.pages.get_mut(handle).and_then(Option::as_mut) {
            slot.page.initialize(state, contains)?;
            slot.user = Some(slot.page.clone());
        }
        Ok(number)
    }

    /// The page of this handle.
    pub fn page(&self, handle: u32) -> Result<&Page, Error> {
        let slot = self.pages.get(handle as usize).and_then(Option::as_ref);
        slot.and_then(|slot| slot.user.as_ref())
            .ok_or(Error::PageNotOpen { handle })
    }

    /// Gives the page back. Its memory is used again once every clone of it is gone.
    pub fn release(&mut self, handle: u32) -> Result<(), Error> {
        let slot = self.pages.get_mut(handle as usize).and_then(Option::as_mut);
        let page = slot
            .and_then(|slot| slot.user.take())
            .ok_or(Error::PageNotOpen { handle })?;
        let is_full = page.banks().len() == BANKS;
        self.shelf(is_full).released.push_back(handle as usize);
        Ok(())
    }

    /// The chunk of this number: a handle divided by [`BLOCKS_PER_CHUNK`].
    pub fn chunk(&self, index: u32) -> Result<&Arc<Chunk>, Error> {
        self.chunks
            .get(index as usize)
            .ok_or(Error::PageNotOpen { handle: index })
    }

    /// The page released first, if no clone of it is left. One check is enough: a page that is still held goes
    /// to the end of the line.
    fn reuse(&mut self, is_full: bool) -> Option<usize> {
        let handle = self.shelf(is_full).released.pop_front()?;
        // Only this arena makes a page known to others, so once no other holder is left, there will be none.
        let free = self
            .pages
            .get(handle)
            .and_then(Option::as_ref)
            .is_some_and(|slot| Arc::strong_count(&slot.page.0) == 1);
        // Orders what follows after the last use by the clones that are gone.
        fence(Acquire);
        if !free {
            self.shelf(is_full).released.push_back(handle);
        }
        free.then_some(handle)
    }

    const fn shelf(&mut self, is_full: bool) -> &mut Shelf {
        if is_full {
            &mut self.full
        } else {
            &mut self.one_block
        }
    }

    fn grow(&mut self, is_full: bool) -> usize {
        let banks = if is_full { BANKS } else { 1 };
        let handle = self.shelf(is_full).next.take().unwrap_or_else(|| {
            self.chunks.push(Arc::new(Chunk::new()));
            (self.chunks.len() - 1) * BLOCKS_PER_CHUNK
        });
        let after = handle + banks;
        let has_room = !after.is_multiple_of(BLOCKS_PER_CHUNK);
        self.shelf(is_full).next = has_room.then_some(after);
        if self.pages.len() < after {
            self.pages.resize_with(after, || None);
        }
        let chunk = self.chunks.get(handle / BLOCKS_PER_CHUNK);
        if let Some((chunk, place)) = chunk.zip(self.pages.get_mut(handle)) {
            // SAFETY: the handle's block is below BLOCKS_PER_CHUNK, which is a multiple of BANKS as all handles of full pages
            // are, so the page lies inside the chunk.
            let base = unsafe { chunk.0.add(handle % BLOCKS_PER_CHUNK * BLOCK_SIZE) };
            *place = Some(Slot {
                page: Page(Arc::new(PageMemory {
                    base,
                    banks,
                    owner: Owner::Chunk(Arc::clone(chunk)),
                    order: OnceLock::new(),
                })),
                user: None,
            });
        }
        handle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_aligned_distinct_and_within_their_chunk() {
        let mut arena = Arena::default();
        for expected in 0..BLOCKS_PER_CHUNK + 3 {
            let handle = arena.allocate(&State::with_flags(0b111), 0, false).unwrap();
            assert_eq!(handle as usize, expected);
            let start = arena.page(handle).unwrap().as_ptr() as usize;
            let chunk = &arena.chunks[expected / BLOCKS_PER_CHUNK];
            assert_eq!(start % PAGE_ALIGN, 0);
            assert_eq!(
                start,
                chunk.as_ptr() as usize + expected % BLOCKS_PER_CHUNK * BLOCK_SIZE
            );
        }
    }

    #[test]
    fn pages_of_both_sizes_never_overlap() {
        let mut arena = Arena::default();
        let mut taken = std::collections::BTreeSet::new();
        for round in 0..3 * BLOCKS_PER_CHUNK {
            let is_full = round % 3 == 0;
            let handle = arena
                .allocate(&State::with_flags(0b111), 0, is_full)
                .unwrap();
            let page = arena.page(handle).unwrap();
            let start = page.as_ptr() as usize;
            let chunk = arena
                .chunk(handle / u32::try_from(BLOCKS_PER_CHUNK).unwrap())
                .unwrap();
            assert!(start + page.size() <= chunk.as_ptr() as usize + CHUNK_SIZE);
            for block in (start..start + page.size()).step_by(BLOCK_SIZE) {
                assert!(taken.insert(block));
            }
            if round % 7 == 0 {
                let blocks = (start..start + page.size()).step_by(BLOCK_SIZE);
                blocks.for_each(|block| assert!(taken.remove(&block)));
                arena.release(handle).unwrap();
            }
        }
    }

    #[test]
    fn a_released_page_is_used_again_under_a_new_id() {
        let mut arena = Arena::default();
        let first = arena.allocate(&State::with_flags(0b111), 0, false).unwrap();
        let id = arena.page(first).unwrap().snapshot().page_id;
        arena.release(first).unwrap();
        assert_eq!(
            arena.page(first).unwrap_err().code().as_ref(),
            "ERR_PAGE_NOT_OPEN"
        );
        assert_eq!(
            arena.release(first).unwrap_err().code().as_ref(),
            "ERR_PAGE_NOT_OPEN"
        );
        assert_eq!(
            arena.allocate(&State::with_flags(0b111), 0, false).unwrap(),
            first
        );
        assert_ne!(arena.page(first).unwrap().snapshot().page_id, id);
    }

    #[test]
    fn a_page_somebody_still_holds_is_not_used_again() {
        let mut arena = Arena::default();
        let first = arena.allocate(&State::with_flags(0b111), 0, false).unwrap();
        let held = arena.page(first).unwrap().clone();
        arena.release(first).unwrap();
        assert_ne!(
            arena.allocate(&State::with_flags(0b111), 0, false).unwrap(),
            first
        );
        drop(held);
        assert_eq!(
            arena.allocate(&State::with_flags(0b111), 0, false).unwrap(),
            first
        );
    }

    #[test]
    fn a_page_outlives_its_arena() {
        let mut arena = Arena::default();
        let handle = arena.allocate(&State::with_flags(0b111), 0, false).unwrap();
        let page = arena.page(handle).unwrap().clone();
        drop(arena);
        assert_eq!(page.snapshot().state, State::with_flags(0b111));
    }
}
