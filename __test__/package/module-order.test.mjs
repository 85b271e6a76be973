// The check of the module order finds what it is for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importsOf, orderProblems } from '../../scripts/lib/module-order.mjs';

/** A small core in which nothing is wrong. */
const sound = {
  'lib.rs': 'pub mod error; pub mod page; pub mod store;',
  'error.rs': 'use std::io;',
  'page/mod.rs': 'mod arena; pub use arena::Arena; pub struct Page;',
  'page/arena.rs': 'use super::Page; use crate::error::Error; pub struct Arena;',
  'store/mod.rs': 'mod rows; mod sqlite; mod worker; pub use rows::Row; use worker::Worker; pub struct Store;',
  'store/rows/mod.rs': 'mod row; pub use row::Row;',
  'store/rows/row.rs': 'use crate::page::Arena; use crate::store::sqlite::open; pub(in crate::store) struct Row;',
  'store/sqlite.rs': 'use crate::error::{self, Error}; pub fn open() {}',
  'store/worker.rs': 'use super::rows::Row; pub struct Worker; #[cfg(test)] mod tests { use crate::store::Store; }',
  'store/tests.rs': 'use super::*; use crate::node;',
};

/** @param {Record<string, string>} changed files in place of those above */
const problems = (changed = {}) => orderProblems(importsOf(new Map(Object.entries({ ...sound, ...changed }))));

test('a core without circles, whose rooms import what is below them, passes', () => {
  assert.deepEqual(problems(), []);
});

for (const [what, changed, expected] of [
  [
    'a circle of two modules in a room',
    { 'page/arena.rs': 'use super::names::Names;', 'page/names.rs': 'use super::arena::Arena;', 'page/mod.rs': '' },
    ['circle of imports: page::arena → page::names → page::arena'],
  ],
  [
    'a circle through a module that exports what is inside it',
    {
      'page/live.rs': 'use super::mapping::Mapping;',
      'page/mapping.rs': 'mod unix; pub use unix::*;',
      'page/mapping/unix.rs': 'use crate::page::live::Live;',
    },
    ['circle of imports: page::live → page::mapping → page::mapping::unix → page::live'],
  ],
  [
    'a room that imports one above it, by the name under which that is exported again',
    { 'store/sqlite.rs': 'fn open(_: super::Row) {}' },
    [
      'store::sqlite imports store::rows::row, which stands above it',
      'circle of imports: store::rows::row → store::sqlite → store::rows::row',
    ],
  ],
  [
    'a part of the store that imports its facade',
    { 'store/worker.rs': 'use super::{rows::Row, Store};' },
    ['store::worker imports store, which stands above it', 'circle of imports: store → store::worker → store'],
  ],
  [
    'a module without a room',
    { 'extras.rs': '' },
    ['extras stands in no room: add it to scripts/lib/module-order.mjs'],
  ],
]) {
  test(`it finds ${what}`, () => assert.deepEqual(problems(changed).toSorted(), expected.toSorted()));
}

test('imports in comments and texts are none', () => {
  const text =
    '// use crate::store::Store;\nconst A: &str = "crate::store::Store"; const B: &str = r#"crate::store::Store"#;';
  assert.deepEqual(problems({ 'error.rs': text }), []);
});
