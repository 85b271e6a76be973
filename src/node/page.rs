//! State pages of the calling thread.

#![expect(
    unsafe_code,
    reason = "pages are handed to JavaScript as raw memory with an owner"
)]

use std::cell::RefCell;
use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::Unknown;
use napi_derive::napi;

use super::{Result, buffer, js_error};
use crate::error::Error;
use crate::page::layout::PAGE_SIZE;
use crate::page::{Arena, CHUNK_SIZE, FULL_ROLLOUTS, Page, Rollouts, State};
use crate::record::Record;

thread_local! {
    /// The pages that the configurations of this JavaScript thread use. They go with the thread.
    static ARENA: RefCell<Arena> = RefCell::default();
}

/// The page of this handle.
pub fn page(handle: u32) -> std::result::Result<Page, Error> {
    ARENA.with_borrow(|arena| arena.page(handle).cloned())
}

/// Allocates a private state page that holds these 13 bytes, and returns its handle: chunk × 512 + slot.
/// `rollouts` has one number of basis points for each bit; left out, every feature is rolled out to everyone.
#[napi(catch_unwind)]
pub fn allocate_page(record: &[u8], rollouts: Option<Vec<u16>>, revision: f64) -> Result<u32> {
    let state = Record::decode(record).map(|record| State {
        record,
        rollouts: rollouts.map_or(FULL_ROLLOUTS, to_rollouts),
    });
    state
        .and_then(|state| {
            ARENA.with_borrow_mut(|arena| {
                let handle = arena.allocate(&state)?;
                arena.page(handle)?.note_revision(to_revision(revision));
                Ok(handle)
            })
        })
        .map_err(|error| js_error(&error))
}

/// Gives a page back. Its memory is used again when no buffer over it and no pending operation holds it any more.
#[napi(catch_unwind)]
pub fn release_page(handle: u32) -> Result<()> {
    ARENA
        .with_borrow_mut(|arena| arena.release(handle))
        .map_err(|error| js_error(&error))
}

/// A buffer over a whole chunk of this thread's pages.
#[napi(catch_unwind, ts_return_type = "SharedArrayBuffer | ArrayBuffer")]
pub fn chunk_buffer(env: &Env, index: u32) -> Result<Unknown<'_>> {
    let chunk = ARENA
        .with_borrow(|arena| arena.chunk(index).map(Arc::clone))
        .map_err(|error| js_error(&error))?;
    // SAFETY: a chunk owns CHUNK_SIZE bytes at that address.
    unsafe { buffer::share(env, chunk.as_ptr(), CHUNK_SIZE, chunk) }
}

/// A buffer over exactly one page, which may be posted to other threads.
#[napi(catch_unwind, ts_return_type = "SharedArrayBuffer | ArrayBuffer")]
pub fn page_buffer(env: &Env, handle: u32) -> Result<Unknown<'_>> {
    let page = page(handle).map_err(|error| js_error(&error))?;
    // SAFETY: a page keeps its PAGE_SIZE bytes at that address.
    unsafe { buffer::share(env, page.as_ptr(), PAGE_SIZE, page) }
}

/// Whether buffers are real `SharedArrayBuffer`s in this runtime.
#[napi(catch_unwind)]
pub fn has_shared_buffers() -> bool {
    buffer::is_shared()
}

fn to_rollouts(basis_points: Vec<u16>) -> Rollouts {
    let mut rollouts = FULL_ROLLOUTS;
    for (rollout, given) in rollouts.iter_mut().zip(basis_points) {
        *rollout = given;
    }
    rollouts
}

/// JavaScript numbers hold revisions exactly up to 2^53.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the facade passes revisions it got from the store, which are whole and positive"
)]
fn to_revision(number: f64) -> u64 {
    number as u64
}
