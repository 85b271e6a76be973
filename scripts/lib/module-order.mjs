// @ts-check
// Which module of the Rust core imports which, read from the paths in its code. A module imports those inside it; what they
// use of the module around them, in the same room, is no import, since they are its parts. Tests are left out.

/** The rooms of the core. Each may import those before it. */
const rooms = [
  'error',
  'sync',
  'statx',
  'file_id',
  'clock',
  'bits',
  'record',
  'feature_table',
  'name_index',
  'ownership',
  'real_path',
  'file_system',
  'distribution',
  'page',
  'declaration',
  'watch',
  'store::sqlite',
  'store::rows',
  'store::queue',
  'store::meters',
  'store::reply',
  'store::kept',
  'store::shared',
  'store::open_stores',
  'store::copies',
  'store::database',
  'store::worker',
  'store::files',
  'store::jobs',
  'store::job',
  'store::thread',
  'store',
  'startup',
  'openmetrics',
  'node',
];

/**
 * @typedef {Map<string, Set<string>>} Imports the modules that each module imports
 * @typedef {object} Module
 * @property {string} code without comments, texts and tests
 * @property {Map<string, string>} names what `use` and `pub use` bring in: a name and its path
 */

/**
 * @param {ReadonlyMap<string, string>} files texts of the sources by their paths in src
 * @returns {Imports}
 */
export function importsOf(files) {
  /** @type {Map<string, Module>} */
  const modules = new Map();
  for (const [file, text] of files) {
    const path = file.replace(/(\/mod)?\.rs$/, '').replaceAll('/', '::');
    if (path === 'lib' || /(^|::)tests(::|$)/.test(path)) continue;
    const code = withoutTests(withoutTexts(text));
    modules.set(path, { code, names: namesOf(code, path) });
  }
  return new Map(
    [...modules].map(([path, { code, names }]) => {
      const paths = [...names.values(), ...pathsOf(code, path)];
      const imported = paths.map((used) => definer(used, modules)).filter((used) => used !== undefined);
      const inside = [...modules.keys()].filter((other) => other.replace(/(^|::)\w+$/, '') === path);
      return [path, new Set([...inside, ...imported.filter((used) => !isOwnWhole(used, path))])];
    }),
  );
}

/**
 * @param {Imports} imports
 * @returns {string[]} what is wrong
 */
export function orderProblems(imports) {
  const problems = [];
  for (const [path, imported] of imports) {
    const own = heightOf(path);
    if (own === -1) problems.push(`${path} stands in no room: add it to scripts/lib/module-order.mjs`);
    for (const used of imported) {
      if (heightOf(used) > own) problems.push(`${path} imports ${used}, which stands above it`);
    }
  }
  for (const circle of circlesOf(imports)) problems.push(`circle of imports: ${circle.join(' → ')}`);
  return problems;
}

/** @param {string} path */
const heightOf = (path) => rooms.findIndex((room) => isPart(path, room));

/**
 * @param {string} path
 * @param {string} whole
 */
const isPart = (path, whole) => path === whole || path.startsWith(`${whole}::`);

/**
 * Whether `whole` is the module itself, or one around it in the same room.
 *
 * @param {string} whole
 * @param {string} path
 */
const isOwnWhole = (whole, path) => isPart(path, whole) && heightOf(whole) === heightOf(path);

/**
 * Without what names modules and imports none.
 *
 * @param {string} text
 */
function withoutTexts(text) {
  return text
    .replace(/\/\/.*$/gm, '')
    .replace(/\bpub\((in [\w:]+|crate|super)\)/g, 'pub')
    .replace(/r(#*)"[^]*?"\1|"(?:\\[^]|[^"\\])*"/g, '""');
}

/**
 * Without what is compiled for tests alone: an item ends with its semicolon or its closing brace.
 *
 * @param {string} code
 */
function withoutTests(code) {
  let rest = code;
  for (;;) {
    const start = rest.search(/#\[cfg\((all\()?test\b/);
    if (start === -1) return rest;
    let depth = 0;
    let end = rest.indexOf(']', start) + 1;
    for (; end < rest.length; end += 1) {
      if (rest[end] === '{') depth += 1;
      if (rest[end] === '}') depth -= 1;
      if (depth === 0 && (rest[end] === '}' || rest[end] === ';')) break;
    }
    rest = rest.slice(0, start) + rest.slice(end + 1);
  }
}

/**
 * @param {string} code
 * @param {string} path of the module
 * @returns {Map<string, string>}
 */
function namesOf(code, path) {
  const names = new Map();
  for (const [, tree = ''] of code.matchAll(/\buse\s+([^;]+);/g)) {
    for (const used of expand(tree.replace(/\s+/g, ' ').trim())) {
      const [full = '', alias] = used.split(' as ');
      // Other paths begin with a module inside this one, or with another crate, which then ends at this module.
      const absolute = absolutePath(full.trim(), path) ?? `${path}::${full.trim()}`;
      names.set(alias?.trim() ?? absolute.split('::').at(-1) ?? '', absolute);
    }
  }
  return names;
}

/**
 * The paths of a tree: `a::{b, c::d}` gives `a::b` and `a::c::d`.
 *
 * @param {string} tree
 * @returns {string[]}
 */
function expand(tree) {
  const open = tree.indexOf('{');
  if (open === -1) return [tree.replace(/(::)?\b(self|\*)$/, '').trim()];
  const head = tree.slice(0, open);
  const branches = [];
  let [depth, from] = [0, open + 1];
  for (let at = open; at < tree.length; at += 1) {
    if (tree[at] === '{') depth += 1;
    const isEnd = tree[at] === '}' && (depth -= 1) === 0;
    if (isEnd || (tree[at] === ',' && depth === 1)) {
      branches.push(tree.slice(from, at).trim());
      from = at + 1;
    }
  }
  return branches.filter((branch) => branch !== '').flatMap((branch) => expand(head + branch));
}

/**
 * Paths in the code that begin with `crate`, `self` or `super`.
 *
 * @param {string} code
 * @param {string} path
 */
function pathsOf(code, path) {
  const found = code.replace(/\buse\s+[^;]+;/g, '').matchAll(/\b(?:crate|self|super)(?:::\w+)+/g);
  return [...found].map(([used]) => absolutePath(used, path)).filter((used) => used !== undefined);
}

/**
 * @param {string} used
 * @param {string} path of the module that uses it
 * @returns {string | undefined} from the root of the crate, if it says where it begins
 */
function absolutePath(used, path) {
  const [first, ...rest] = used.split('::');
  if (first === 'crate') return rest.join('::');
  if (first === 'self') return [path, ...rest].join('::');
  if (first !== 'super') return undefined;
  let base = path.split('::').slice(0, -1);
  while (rest[0] === 'super') {
    rest.shift();
    base = base.slice(0, -1);
  }
  return [...base, ...rest].join('::');
}

/**
 * The module that defines what a path names, through the modules that only export it again.
 *
 * @param {string} used
 * @param {ReadonlyMap<string, Module>} modules
 * @returns {string | undefined}
 */
function definer(used, modules) {
  const parts = used.split('::');
  for (let length = parts.length; length > 0; length -= 1) {
    const path = parts.slice(0, length).join('::');
    const module = modules.get(path);
    if (module === undefined) continue;
    const exported = module.names.get(parts[length] ?? '');
    return (exported !== undefined && exported !== used && definer(exported, modules)) || path;
  }
  return undefined;
}

/**
 * One circle for each module that is in any, each only once.
 *
 * @param {Imports} imports
 * @returns {string[][]}
 */
function circlesOf(imports) {
  /** @type {string[][]} */
  const circles = [];
  const done = new Set();
  /** @param {string[]} trail */
  const walk = (trail) => {
    const last = trail.at(-1) ?? '';
    for (const next of imports.get(last) ?? []) {
      const at = trail.indexOf(next);
      if (at !== -1) circles.push([...trail.slice(at), next]);
      else if (!done.has(next)) walk([...trail, next]);
    }
    done.add(last);
  };
  for (const path of imports.keys()) if (!done.has(path)) walk([path]);
  return circles;
}
