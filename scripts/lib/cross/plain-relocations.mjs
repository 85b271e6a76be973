// @ts-check

const LOAD = 1;
const DYNAMIC = 2;
const NOTES = new Set([4, 0x6474e553]);
/** Tags of the dynamic section; the last one says how many entries of RELA are relative, and come first. */
const TAG = { rela: 7, relaSize: 8, relrSize: 0x23, relr: 0x24, relrEntry: 0x25, relaCount: 0x6ffffff9 };
/** A tag for systems, which loaders ignore. */
const IGNORED = 0x6000_0100;
/** R_X86_64_RELATIVE and R_AARCH64_RELATIVE, by machine. */
const RELATIVE = new Map([
  [62, 8],
  [183, 1027],
]);
const HEADER_SIZE = 56;
const PAGE = 0x10000;

/**
 * Turns the packed relocations (DT_RELR) of a 64-bit little-endian ELF library into plain ones, which musl before 1.2.4
 * needs: it ignores the packed ones, and the library crashes. The format is that of
 * groups.google.com/g/generic-abi/c/bX460iggiKg.
 *
 * @param {Buffer} library
 * @returns {Buffer} the same if it has none
 */
export function withPlainRelocations(library) {
  const headers = programHeaders(library);
  const at = (/** @type {number} */ address) => {
    const segment = headers.find(
      ({ type, start, size }) => type === LOAD && address >= start && address < start + size,
    );
    if (!segment) throw new RangeError(`No segment holds ${address}`);
    return segment.offset + address - segment.start;
  };
  const tags = dynamicTags(library, headers);
  const value = (/** @type {number} */ tag) => library.readBigUInt64LE(placeOf(tags, tag) + 8);
  if (!tags.has(TAG.relr)) return library;

  const type = RELATIVE.get(library.readUInt16LE(18));
  if (type === undefined) throw new RangeError('Relocations of this machine are not known');
  const addresses = unpack(library, at(Number(value(TAG.relr))), Number(value(TAG.relrSize)));
  const entries = Buffer.alloc(addresses.length * 24);
  addresses.forEach((address, index) => {
    entries.writeBigUInt64LE(BigInt(address), index * 24);
    entries.writeBigUInt64LE(BigInt(type), index * 24 + 8);
    library.copy(entries, index * 24 + 16, at(address), at(address) + 8);
  });
  const old = at(Number(value(TAG.rela)));
  const table = Buffer.concat([entries, library.subarray(old, old + Number(value(TAG.relaSize)))]);

  const offset = Math.ceil(library.length / PAGE) * PAGE;
  const ends = headers.filter(({ type: kind }) => kind === LOAD).map(({ start, memory }) => start + memory);
  const address = Math.ceil(Math.max(...ends) / PAGE) * PAGE;
  const changed = Buffer.concat([library, Buffer.alloc(offset - library.length), table]);
  addSegment(changed, headers, { offset, address, size: table.length });
  const set = (/** @type {number} */ tag, /** @type {number} */ number) =>
    changed.writeBigUInt64LE(BigInt(number), placeOf(tags, tag) + 8);
  set(TAG.rela, address);
  set(TAG.relaSize, table.length);
  if (tags.has(TAG.relaCount)) set(TAG.relaCount, Number(value(TAG.relaCount)) + addresses.length);
  for (const tag of [TAG.relrSize, TAG.relr, TAG.relrEntry])
    changed.writeBigUInt64LE(BigInt(IGNORED + tag), placeOf(tags, tag));
  return changed;
}

/** @param {Buffer} file */
function programHeaders(file) {
  const first = Number(file.readBigUInt64LE(32));
  return Array.from({ length: file.readUInt16LE(56) }, (_, index) => {
    const place = first + index * HEADER_SIZE;
    const number = (/** @type {number} */ field) => Number(file.readBigUInt64LE(place + field));
    return {
      place,
      bytes: Buffer.from(file.subarray(place, place + HEADER_SIZE)),
      type: file.readUInt32LE(place),
      offset: number(8),
      start: number(16),
      size: number(32),
      memory: number(40),
    };
  });
}

/** @typedef {ReturnType<typeof programHeaders>} Headers */

/**
 * @param {Buffer} file
 * @param {Headers} headers
 * @returns {Map<number, number>} where each tag stands
 */
function dynamicTags(file, headers) {
  const section = headers.find(({ type }) => type === DYNAMIC);
  if (!section) throw new RangeError('The library has no dynamic section');
  const tags = new Map();
  for (let entry = section.offset; entry < section.offset + section.size; entry += 16)
    tags.set(Number(file.readBigUInt64LE(entry)), entry);
  return tags;
}

/**
 * @param {Map<number, number>} tags
 * @param {number} tag
 */
function placeOf(tags, tag) {
  const found = tags.get(tag);
  if (found === undefined) throw new RangeError(`The library has no tag ${tag}`);
  return found;
}

/**
 * An even number is an address; an odd one tells, bit by bit, which of the 63 words that follow are relocated too.
 *
 * @param {Buffer} file
 * @param {number} start
 * @param {number} size
 */
function unpack(file, start, size) {
  const addresses = [];
  let next = 0;
  for (let entry = start; entry < start + size; entry += 8) {
    const word = file.readBigUInt64LE(entry);
    if ((word & 1n) === 0n) {
      addresses.push(Number(word));
      next = Number(word) + 8;
    } else {
      for (let bit = 0; bit < 63; bit += 1) if (((word >> BigInt(bit + 1)) & 1n) === 1n) addresses.push(next + bit * 8);
      next += 63 * 8;
    }
  }
  return addresses;
}

/**
 * Puts the header of a segment in the place of a note's. Those of segments stay in the order of their addresses.
 *
 * @param {Buffer} file
 * @param {Headers} headers
 * @param {{ offset: number, address: number, size: number }} segment
 */
function addSegment(file, headers, { offset, address, size }) {
  const added = Buffer.alloc(HEADER_SIZE);
  const readable = 4;
  added.writeUInt32LE(LOAD, 0);
  added.writeUInt32LE(readable, 4);
  [offset, address, address, size, size, PAGE].forEach((number, index) =>
    added.writeBigUInt64LE(BigInt(number), 8 + index * 8),
  );
  const note = headers.find(({ type }) => NOTES.has(type));
  if (!note) throw new RangeError('The library has no header to spare');
  const kept = headers.filter((header) => header !== note);
  const last = kept.findLastIndex(({ type }) => type === LOAD);
  const bytes = kept.map((header) => header.bytes).toSpliced(last + 1, 0, added);
  headers.forEach(({ place: target }, index) => bytes[index]?.copy(file, target));
}
