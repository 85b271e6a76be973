//! Digests of rows, which chain the revisions of an environment.

use sha2::{Digest, Sha256};

/// Bytes of a digest.
pub const DIGEST_SIZE: usize = 32;

/// Stands for the digest before an environment's first revision.
pub const NO_DIGEST: [u8; DIGEST_SIZE] = [0; DIGEST_SIZE];

/// First field of every digest, so that a later format can never give the same one.
const DIGEST_FORMAT: &[u8] = b"13byte-config revision 1";

/// What a revision's digest covers, borrowed from wherever it is.
pub struct Fields<'a> {
    pub id: i64,
    pub environment: &'a [u8],
    pub record: &'a [u8],
    pub rollouts: Option<&'a [u8]>,
    pub names: u16,
    pub epoch: u32,
    pub reason: &'a [u8],
    pub actor: &'a [u8],
    pub created_at: i64,
    pub parent: Option<i64>,
    pub restored_from: Option<i64>,
    pub kind: u8,
    pub delta: Option<&'a [u8]>,
    pub ticket: u64,
    pub page_id: u64,
}

impl Fields<'_> {
    /// The digest, see [`Revision::digest_after`](super::revision::Revision::digest_after). Reusing `scratch` saves an
    /// allocation for each.
    pub fn digest_after(
        &self,
        previous: &[u8; DIGEST_SIZE],
        scratch: &mut Vec<u8>,
    ) -> [u8; DIGEST_SIZE] {
        let optional = |id: Option<i64>| id.map(i64::to_le_bytes);
        scratch.clear();
        append_field(scratch, DIGEST_FORMAT);
        append_field(scratch, previous);
        append_field(scratch, &self.id.to_le_bytes());
        append_field(scratch, self.environment);
        append_field(scratch, self.record);
        append_field(scratch, self.rollouts.unwrap_or_default());
        append_field(scratch, &self.names.to_le_bytes());
        append_field(scratch, &self.epoch.to_le_bytes());
        append_field(scratch, self.reason);
        append_field(scratch, self.actor);
        append_field(scratch, &self.created_at.to_le_bytes());
        append_field(scratch, optional(self.parent).as_ref().map_or(&[], |id| id));
        let restored_from = optional(self.restored_from);
        append_field(scratch, restored_from.as_ref().map_or(&[], |id| id));
        append_field(scratch, &[self.kind]);
        append_field(scratch, self.delta.unwrap_or_default());
        append_field(scratch, &self.ticket.to_le_bytes());
        append_field(scratch, &self.page_id.to_le_bytes());
        Sha256::digest(&scratch).into()
    }
}

/// Appends a field of a digest: its length and its bytes, so that no two lists of fields give the same bytes.
pub fn append_field(bytes: &mut Vec<u8>, field: &[u8]) {
    // Nothing here comes near 4 GiB: SQLite's rows end at 1 GB.
    let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(field);
}

/// A digest as text: two lower-case hexadecimal digits for each byte.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(if half < 10 { b'0' } else { b'a' - 10 } + half);
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        digits.push(digit(byte >> 4));
        digits.push(digit(byte & 0xf));
    }
    digits
}
