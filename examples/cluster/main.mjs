// Four processes with two workers each on one config, and what happens when one of them is killed:
// `npm run example:cluster`. It checks what it shows.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { banner, blank, check, checks, failure, heading, list, note, paint, say, table } from '../demo/terminal.mjs';
import { FEATURES, WORKER_FEATURES } from './features.mjs';
import { startMember } from './process.mjs';

/**
 * @typedef {import('./process.mjs').Member} Member
 * @typedef {import('./view.mjs').View} View
 */

const FLIPS = 25_001;
const FLIPS_UNTIL_KILLED = 1e9;
const PATIENCE_MS = 30_000;

const directory = mkdtempSync(join(tmpdir(), '13byte-config-cluster-'));
const persistPath = join(directory, 'cluster.db');
/** @type {Set<Member>} */
const running = new Set();
process.once('exit', () => {
  for (const member of running) member.kill();
  rmSync(directory, { recursive: true, force: true });
});
process.once('SIGINT', () => process.exit(130));
const timer = setTimeout(() => {
  failure(new Error(`It takes longer than ${PATIENCE_MS / 1000} s`));
  process.exit(1);
}, PATIENCE_MS);

const startedAt = performance.now();
banner('13byte-config', 'four processes, twelve threads, one config');
try {
  const members = await startAll();
  await flipForAll(members);
  await flipAllAtOnce(members);
  const survivors = await killOne(members);
  await joinAgain(survivors);
  await killAll();
} catch (error) {
  failure(error);
}
clearTimeout(timer);
const { passed, failed } = checks;
heading(6, failed === 0 ? 'All is as it should be' : 'Something is wrong');
const verdict =
  failed === 0
    ? paint(['bold', 'green'], `All ${passed} checks hold`)
    : paint(['bold', 'red'], `${failed} of ${passed + failed} checks failed`);
say(`${verdict}, in ${((performance.now() - startedAt) / 1000).toFixed(1)} s.`);
for (const member of running) member.kill();
process.exitCode = failed === 0 ? 0 : 1;

async function startAll() {
  heading(1, 'Four processes with two workers each');
  say(
    'Each process opens the same database with `enableClusterSync: true`, and hands `config.share()` to its workers, which call `attachConfig(handle)`. All twelve threads look at the same memory, in this file:',
  );
  note(`${persistPath}-live-production`);
  const members = await Promise.all([1, 2, 3, 4].map((number) => start(number)));
  const views = await showViews(members);
  check(views.length === 12 && areSame(views), 'twelve threads have the same 13 bytes');
  return members;
}

/** @param {readonly Member[]} members */
async function flipForAll(members) {
  heading(2, 'One of them flips');
  say(
    "Process 1 turns on two features in one `update`. No message is sent. The others are told by their `'change'` event, because the memory has changed:",
  );
  const changes = await enable(members, 0, ['checkout', 'search']);
  const own = changes.flat().filter(({ local }) => local);
  check(own.length === 1 && changes[0]?.[0]?.local === true, 'and only the one that did it takes it for its own');
}

/** @param {readonly Member[]} members */
async function flipAllAtOnce(members) {
  heading(3, 'All of them flip at once');
  say(
    `Each of the eight workers flips a feature of its own ${FLIPS.toLocaleString('en')} times, all at the same time. Every flip counts one up, so nothing may be missing in the end:`,
  );
  const [before] = await viewsOf(members);
  await Promise.all(members.map((member) => member.ask('race', FLIPS)));
  const views = await viewsOf(members);
  const counted = (views[0]?.generation ?? 0) - (before?.generation ?? 0);
  const expected = WORKER_FEATURES.length * FLIPS;
  table(
    [
      { title: 'flips made', align: 'right' },
      { title: 'flips counted', align: 'right', style: 'bold' },
      { title: 'features on, as each was flipped an odd number of times', style: 'green' },
    ],
    [
      [
        expected.toLocaleString('en'),
        counted.toLocaleString('en'),
        list((views[0]?.enabled ?? []).filter((name) => WORKER_FEATURES.includes(name))),
      ],
    ],
  );
  check(counted === expected, 'no flip was lost');
  check(
    areSame(views) && WORKER_FEATURES.every((name) => views[0]?.enabled.includes(name)),
    'and all threads agree on the result',
  );
}

/** @param {readonly Member[]} members */
async function killOne(members) {
  heading(4, 'One of them is killed');
  const [first, victim, ...others] = /** @type {[Member, Member, ...Member[]]} */ (members);
  say(`The workers of process 2 flip as fast as they can, and \`kill -9\` ends it in the middle of that.`);
  const [before] = await viewsOf([first]);
  void victim.ask('race', FLIPS_UNTIL_KILLED);
  // Until the others see it flip.
  let flipped = 0;
  while (flipped < FLIPS) {
    const [now] = await viewsOf([first]);
    flipped = (now?.generation ?? 0) - (before?.generation ?? 0);
  }
  victim.kill();
  const how = await victim.ended;
  running.delete(victim);
  const survivors = [first, ...others];
  const views = await showViews(survivors, [[`2  ${victim.pid}`, `ended by ${how}`, '', '']]);
  check(how === 'SIGKILL' && flipped >= FLIPS, 'it was killed while it was flipping');
  check(
    views.length === 9 && areSame(views) && views.every(({ isValid }) => isValid),
    'the nine other threads agree, and what they see is valid',
  );
  blank();

  say('The rest carry on. Process 3 turns on sale, and all are told:');
  await enable(survivors, 1, ['sale']);
  return survivors;
}

/** @param {readonly Member[]} survivors */
async function joinAgain(survivors) {
  blank();
  say(
    'Another process takes the place of the one that was killed. Nothing was persisted yet, but it joins the living:',
  );
  const joined = await start(2);
  const views = await showViews([joined, ...survivors]);
  check(areSame(views), 'it has what the others have, in all of its threads');
}

async function killAll() {
  heading(5, 'All of them are killed');
  const [one] = running;
  if (!one) throw new Error('Nobody is left');
  const revision = await one.ask('persist', 'before the end');
  await one.ask('enable', ['beta']);
  for (const member of running) member.kill();
  const ends = await Promise.all([...running].map(({ ended }) => ended));
  running.clear();
  say(
    `First, \`persist\` wrote revision ${revision} to the database, and then beta was turned on. Now all four are killed. The next process starts from what was persisted:`,
  );
  const views = await showViews([await start(1)]);
  const enabled = views[0]?.enabled ?? [];
  check(ends.length === 4 && ends.every((how) => how === 'SIGKILL'), 'nobody was there to hand anything over');
  check(
    ['checkout', 'search', 'sale'].every((name) => enabled.includes(name)),
    'what was persisted is there',
  );
  check(!enabled.includes('beta'), 'what nobody persisted is gone');
}

/** @param {number} number */
async function start(number) {
  const member = await startMember(persistPath, number);
  running.add(member);
  return member;
}

/**
 * Has one of the processes turn features on, and shows what everyone was told.
 *
 * @param {readonly Member[]} members
 * @param {number} index of the one
 * @param {string[]} names
 */
async function enable(members, index, names) {
  const told = members.map((member) => member.told(names));
  await members[index]?.ask('enable', names);
  const changes = await Promise.all(told);
  const columns = ['main thread was told', 'worker 1 was told', 'worker 2 was told'];
  table(
    [
      { title: 'process', style: 'bold' },
      ...columns.map((title) => ({ title, style: /** @type {const} */ ('green') })),
    ],
    members.map((member, row) => [
      nameOf(member),
      ...(changes[row] ?? []).map(
        ({ enabled, local }) => `${enabled.map((name) => `+${name}`).join(' ')}${local ? ' (own)' : ''}`,
      ),
    ]),
  );
  check(changes.flat().length === members.length * 3, `all ${members.length * 3} threads were told`);
  return changes;
}

/**
 * @param {readonly Member[]} members
 * @param {string[][]} [more] rows
 */
async function showViews(members, more = []) {
  const rows = await Promise.all(members.map(async (member) => ({ member, views: await viewsOf([member]) })));
  table(
    [
      { title: 'process', style: 'bold' },
      ...['main thread sees', 'worker 1 sees', 'worker 2 sees'].map((title) => ({
        title,
        style: /** @type {const} */ ('green'),
      })),
    ],
    [
      ...rows.map(({ member, views }) => [nameOf(member), ...views.map(({ enabled }) => short(enabled))]),
      ...more,
    ].toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)),
  );
  return rows.flatMap(({ views }) => views);
}

/** @param {Member} member */
function nameOf({ number, pid }) {
  return `${number}  ${pid}`;
}

/**
 * @param {readonly Member[]} members
 * @returns {Promise<View[]>}
 */
async function viewsOf(members) {
  return (await Promise.all(members.map((member) => member.ask('look')))).flat();
}

/** @param {readonly View[]} views */
function areSame(views) {
  return new Set(views.map(({ hex, generation }) => `${hex} ${generation}`)).size === 1;
}

/** @param {readonly string[]} enabled */
function short(enabled) {
  return list(FEATURES.filter((name) => enabled.includes(name)));
}
