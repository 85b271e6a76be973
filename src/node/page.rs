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

use super::objects::{NativeState, to_state};
use super::{Result, buffer};
use crate::bits::{BANK_SIZE, Bits};
use crate::declaration::{Declaration, Notes};
use crate::error::Error;
use crate::feature_table::FeatureTable;
use crate::name_index::{self, Hash, NameIndex};
use crate::page::{Arena, CHUNK_SIZE, Edits, FIRST_LIVE_HANDLE, Initial, Page, offers};
use crate::record::Terminal;
use crate::startup::Startup;
use crate::watch;

thread_local! {
    /// The pages that the configurations of this JavaScript thread use. They go with the thread.
    static PAGES: RefCell<Pages> = RefCell::default();
}

#[derive(Default)]
struct Pages {
    private: Arena,
    /// By handle, counted from `FIRST_LIVE_HANDLE`. `None` once released.
    live: Vec<Option<Page>>,
}

impl Pages {
    fn page(&self, handle: u32) -> std::result::Result<&Page, Error> {
        match (handle as usize).checked_sub(FIRST_LIVE_HANDLE) {
            None => self.private.page(handle),
            Some(index) => self
                .live
                .get(index)
                .and_then(Option::as_ref)
                .ok_or(Error::PageNotOpen { handle }),
        }
    }

    fn release(&mut self, handle: u32) -> std::result::Result<(), Error> {
        match (handle as usize).checked_sub(FIRST_LIVE_HANDLE) {
            None => self.private.release(handle),
            Some(index) => self
                .live
                .get_mut(index)
                .and_then(Option::take)
                .map(drop)
                .ok_or(Error::PageNotOpen { handle }),
        }
    }

    fn hold(&mut self, page: Page) -> std::result::Result<u32, Error> {
        let free = self.live.iter().position(Option::is_none);
        let index = free.unwrap_or(self.live.len());
        let handle = u32::try_from(FIRST_LIVE_HANDLE + index)
            .map_err(|_| Error::PageNotOpen { handle: u32::MAX })?;
        match self.live.get_mut(index) {
            Some(place) => *place = Some(page),
            None => self.live.push(Some(page)),
        }
        Ok(handle)
    }
}

/// How a configuration is to start.
#[napi(object)]
pub struct NativeStartup {
    /// The environment it reads and writes.
    pub environment: String,
    /// The features it needs.
    pub features: Option<Vec<String>>,
    /// What it says of some of them.
    pub declarations: Option<Vec<NativeDeclaration>>,
    /// The actor of the revision that seeds them.
    pub actor: Option<String>,
    /// Features that are on when nothing was persisted, as far as they exist.
    pub enabled: Vec<String>,
    /// Whether it starts from the last persisted state.
    pub auto_load: bool,
    /// Whether a live page is only joined, and refused if it is not in use.
    pub live_must_exist: bool,
}

/// A feature as a program lists it.
#[napi(object)]
pub struct NativeDeclaration {
    /// The feature.
    pub name: String,
    /// What people should know of it.
    pub notes: NativeNotes,
    /// Whether it starts switched on.
    pub enabled: bool,
    /// The rollout that it starts with, in basis points.
    pub rollout: Option<u32>,
}

/// What people should know of a feature.
#[napi(object)]
pub struct NativeNotes {
    /// What it does.
    pub description: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// When it should be gone, in milliseconds since 1970.
    pub expires: Option<f64>,
}

impl From<NativeDeclaration> for Declaration {
    fn from(declared: NativeDeclaration) -> Self {
        let NativeNotes {
            description,
            owner,
            expires,
        } = declared.notes;
        Self {
            name: declared.name,
            notes: Notes {
                description,
                owner,
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "whole milliseconds of a JavaScript Date, which fit"
                )]
                expires: expires.map(|expires| expires as i64),
            },
            enabled: declared.enabled,
            rollout: declared
                .rollout
                .map(|rollout| u16::try_from(rollout).unwrap_or(u16::MAX)),
        }
    }
}

impl From<Notes> for NativeNotes {
    fn from(notes: Notes) -> Self {
        Self {
            description: notes.description,
            owner: notes.owner,
            #[expect(
                clippy::cast_precision_loss,
                reason = "whole milliseconds of a JavaScript Date, which fit"
            )]
            expires: notes.expires.map(|expires| expires as f64),
        }
    }
}

/// A page that was opened, and the features it has.
#[napi(object)]
pub struct NativePage {
    /// Names the page in other calls, in this thread.
    pub handle: u32,
    /// The banks that it has blocks for.
    pub banks: u32,
    /// Its feature names, from bit 0 up; left out when they are the default ones.
    pub names: Option<Vec<String>>,
    /// The bits of those that are retired.
    pub retired: Vec<u32>,
    /// How often names were retired, revived or replaced.
    pub changes: u32,
    /// The hashes of a table with these names, by bank.
    pub registry_hashes: Vec<u32>,
}

impl From<NativeStartup> for Startup {
    fn from(options: NativeStartup) -> Self {
        Self {
            environment: options.environment,
            features: options.features,
            declarations: options
                .declarations
                .unwrap_or_default()
                .into_iter()
                .map(Declaration::from)
                .collect(),
            actor: options.actor.unwrap_or_default(),
            enabled: options.enabled,
            auto_load: options.auto_load,
            live_must_exist: options.live_must_exist,
        }
    }
}

/// The page of this handle.
pub fn page(handle: u32) -> std::result::Result<Page, Error> {
    PAGES.with_borrow(|pages| pages.page(handle).cloned())
}

/// A private page that starts with this. Without a store its table never grows, so that a page of one block can do.
pub fn open_private(initial: &Initial, has_store: bool) -> Result<NativePage> {
    PAGES.with_borrow_mut(|pages| {
        let contains = initial.persisted.map_or(0, |persisted| persisted.revision);
        let is_full = has_store || initial.table.names().len() > BANK_SIZE;
        let handle = pages.private.allocate(&initial.state, contains, is_full)?;
        let page = pages.private.page(handle)?;
        if has_store {
            page.set_epoch(initial.table.epoch());
        }
        if let Some(persisted) = &initial.persisted {
            page.note_persisted(persisted);
        }
        Ok(to_native(
            handle,
            pages.private.page(handle)?,
            &initial.table,
        ))
    })
}

/// Makes a live page known to this thread.
pub fn open_live(page: Page) -> Result<NativePage> {
    let table = page.table()?.unwrap_or_default();
    let handle = PAGES.with_borrow_mut(|pages| pages.hold(page.clone()))?;
    Ok(to_native(handle, &page, &table))
}

/// A page with these features, as JavaScript sees it.
pub fn to_native(handle: u32, page: &Page, table: &FeatureTable) -> NativePage {
    NativePage {
        handle,
        banks: u32::try_from(page.banks().len()).unwrap_or(1),
        names: (!table.is_default()).then(|| table.names().to_vec()),
        retired: bits_of(table.retired()),
        changes: table.changes(),
        registry_hashes: table.hashes().to_vec(),
    }
}

/// Opens a private page without a store.
#[napi(catch_unwind)]
pub fn open_private_page(startup: NativeStartup) -> Result<NativePage> {
    open_private(&Startup::from(startup).fresh()?, false)
}

/// Opens the page that all processes with this cluster name and environment share. Without a name, processes with
/// the same working directory share. Blocks.
#[napi(catch_unwind)]
pub fn open_cluster_page(startup: NativeStartup, cluster: Option<String>) -> Result<NativePage> {
    open_live(Startup::from(startup).open_live(cluster.as_deref())?)
}

/// Gives a page back. Private memory is used again, and a live file closed, when no buffer over it and no pending
/// operation holds it any more.
#[napi(catch_unwind)]
pub fn release_page(handle: u32) -> Result<()> {
    Ok(PAGES.with_borrow_mut(|pages| pages.release(handle))?)
}

/// A buffer over a whole chunk of this thread's private pages.
#[napi(catch_unwind, ts_return_type = "SharedArrayBuffer | ArrayBuffer")]
pub fn chunk_buffer(env: &Env, index: u32) -> Result<Unknown<'_>> {
    let chunk = PAGES.with_borrow(|pages| pages.private.chunk(index).map(Arc::clone))?;
    // SAFETY: a chunk owns CHUNK_SIZE bytes at that address.
    unsafe { buffer::share(env, chunk.as_ptr(), CHUNK_SIZE, chunk) }
}

/// A buffer over exactly one page, which may be posted to other threads.
#[napi(catch_unwind, ts_return_type = "SharedArrayBuffer | ArrayBuffer")]
pub fn page_buffer(env: &Env, handle: u32) -> Result<Unknown<'_>> {
    let page = page(handle)?;
    // SAFETY: a page keeps its bytes at that address.
    unsafe { buffer::share(env, page.as_ptr(), page.size(), page) }
}

/// Whether buffers are real `SharedArrayBuffer`s in this runtime.
#[napi(catch_unwind)]
pub fn has_shared_buffers() -> bool {
    buffer::is_shared()
}

/// The feature names of a live page now, with those that others have appended.
#[napi(catch_unwind)]
pub fn page_features(handle: u32) -> Result<NativePage> {
    let page = page(handle)?;
    let table = page.table()?.unwrap_or_default();
    Ok(to_native(handle, &page, &table))
}

/// Lets other threads of this process adopt the page, and returns its id, 16 hexadecimal digits.
#[napi(catch_unwind)]
pub fn offer_page(handle: u32) -> Result<String> {
    Ok(format!("{:016x}", offers::offer(&page(handle)?)))
}

/// Makes a page that another thread of this process has offered known to this thread. `None` when there is none.
#[napi(catch_unwind)]
pub fn adopt_page(id: String) -> Result<Option<u32>> {
    let page = u64::from_str_radix(&id, 16).ok().and_then(offers::find);
    let handle = page.map(|page| PAGES.with_borrow_mut(|pages| pages.hold(page)));
    Ok(handle.transpose()?)
}

/// The id of the page, 16 hexadecimal digits.
#[napi(catch_unwind)]
pub fn page_id(handle: u32) -> Result<String> {
    Ok(format!("{:016x}", page(handle)?.id()))
}

/// The path of a live file, if another file or none is there now.
#[napi(catch_unwind)]
pub fn lost_live_file(handle: u32) -> Result<Option<String>> {
    let page = page(handle)?;
    let lost = page.lost_live_file();
    Ok(lost.map(|path| path.to_string_lossy().into_owned()))
}

/// The state of the page, of all banks that it has. While a whole change is made, it is that after the change.
#[napi(catch_unwind)]
pub fn page_state(handle: u32) -> Result<NativeState> {
    let page = page(handle)?;
    let banks = page.banks().len();
    Ok(to_state(&page.snapshot().state, banks))
}

/// A sentence for each field of the page that is out of range, when there are so many names.
#[napi(catch_unwind)]
pub fn page_problems(handle: u32, names: u32) -> Result<Vec<String>> {
    let known = Bits::first(names as usize);
    let problems = page(handle)?.snapshot().state.problems(known);
    Ok(problems.iter().map(ToString::to_string).collect())
}

/// Why listeners of other processes cannot be notified of changes at the moment, if so.
#[napi(catch_unwind)]
pub fn ringing_problem(handle: u32) -> Result<Option<String>> {
    let checked = page(handle)?.check_ringing();
    Ok(checked.err().map(|error| error.to_string()))
}

/// A hash without collisions for a list of names, see `name_index.rs`.
#[napi(object)]
pub struct NativeNameIndex {
    /// The place in the list of the name in each slot; -1 for empty ones.
    pub slots: Vec<i32>,
    /// With one letter: its position, and its factor.
    pub first: u32,
    /// See `first`.
    pub factor: u32,
    /// With letters by length: the places of each length, how many letters count, the factors of the second and the third, and
    /// the range of codes.
    pub places: Option<Vec<u32>>,
    /// See `places`.
    pub letters: u32,
    /// See `places`.
    pub second: u32,
    /// See `places`.
    pub third: u32,
    /// See `places`.
    pub range: u32,
}

/// Finds a hash without collisions for these names. `None` if there is none.
#[napi(catch_unwind)]
pub fn name_index(names: Vec<String>) -> Option<NativeNameIndex> {
    let NameIndex { hash, slots } = name_index::find(&names)?;
    let slots = slots
        .into_iter()
        .map(|bit| bit.and_then(|bit| i32::try_from(bit).ok()).unwrap_or(-1))
        .collect();
    let none = NativeNameIndex {
        slots,
        first: 0,
        factor: 0,
        places: None,
        letters: 0,
        second: 0,
        third: 0,
        range: 0,
    };
    Some(match hash {
        Hash::OneLetter { first, factor } => NativeNameIndex {
            first,
            factor,
            ..none
        },
        Hash::ByLength(by_length) => NativeNameIndex {
            places: Some(by_length.places),
            letters: by_length.letters,
            second: by_length.second,
            third: by_length.third,
            range: by_length.range,
            ..none
        },
    })
}

/// Changes of single features and of the terminal.
#[napi(object)]
pub struct NativeEdits {
    /// The features that go on, as a word of bits for each bank.
    pub on: Vec<u32>,
    /// Those that go off.
    pub off: Vec<u32>,
    /// The bits of features, and from bit 16 on their basis points.
    pub rollouts: Vec<u32>,
    /// The packed terminal settings.
    #[napi(ts_type = "number | undefined")]
    pub terminal: Option<u32>,
}

/// A state that a caller gives, of some features.
#[napi(object)]
pub struct NativeGiven {
    /// The features that are on, as a word of bits for each bank.
    pub flags: Vec<u32>,
    /// Those that it says something of.
    pub known: Vec<u32>,
    /// Basis points by bit.
    pub rollouts: Vec<u16>,
    /// The packed terminal settings.
    pub terminal: u32,
}

/// Makes some changes of the page as one, and says whether they changed anything.
#[napi(catch_unwind)]
pub fn edit_page(handle: u32, edits: NativeEdits) -> Result<bool> {
    let page = page(handle)?;
    let changed = page.edit(&Edits::from(&edits))?;
    if changed {
        watch::announce(&page);
    }
    Ok(changed)
}

impl From<&NativeEdits> for Edits {
    fn from(edits: &NativeEdits) -> Self {
        let rollouts = edits.rollouts.iter();
        Self {
            on: to_bits(&edits.on),
            off: to_bits(&edits.off),
            rollouts: rollouts
                .map(|packed| ((packed & 0xffff) as usize, (packed >> 16) as u16))
                .collect(),
            terminal: edits.terminal.map(Terminal::from_word),
        }
    }
}

/// The bits of a set of features.
pub fn bits_of(bits: Bits) -> Vec<u32> {
    bits.iter()
        .filter_map(|bit| u32::try_from(bit).ok())
        .collect()
}

/// A set of features from its words. Banks without one have no feature in it.
pub fn to_bits(words: &[u32]) -> Bits {
    Bits::of_banks(|bank| words.get(bank).copied().unwrap_or(0))
}
