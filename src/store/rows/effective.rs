//! Which of two revisions is the later state.

/// What the next revision is compared with.
#[derive(Clone, Copy, Debug)]
pub struct Effective {
    pub id: i64,
    pub page_id: u64,
    pub generation: u32,
}

impl Effective {
    /// Whether `newer`, which was persisted later, also is the later state. Of one page, the generation decides; it
    /// wraps, so the shorter way round counts. Another page is a later life of the configuration.
    pub const fn gives_way_to(self, newer: Self) -> bool {
        let ahead = newer.generation.wrapping_sub(self.generation).cast_signed();
        newer.page_id != self.page_id || ahead >= 0
    }
}
