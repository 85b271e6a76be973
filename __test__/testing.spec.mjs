import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { attachConfig, ConfigError, createProductionConfig, DEFAULT_FEATURES } from '13byte-config';
import { createTestConfig, override, OverrideScope, withOverrides } from '13byte-config/testing';
import { startProcess } from './children/peers.mjs';
import { onPosix } from './harness/posix.mjs';
import { suite } from './harness/suite.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const NAMES = ['a', 'b', 'c', 'd'];
const KEYS = Array.from({ length: 40 }, (_, user) => `user-${user}`);
const CONFLICT = { name: 'ConfigError', code: 'ERR_OVERRIDE_CONFLICT' };
const ORDER = { name: 'ConfigError', code: 'ERR_OVERRIDE_ORDER' };

export default suite('testing', {
  'a test config has what it is told, and nothing else'(t) {
    const config = make(t, {
      debug: true,
      beta_feature: 50,
      metrics: false,
      caching: undefined,
      terminal: { rows: 50 },
    });
    assert.deepEqual(config.getEnabledFeatures(), ['debug', 'beta_feature']);
    assert.equal(config.getRollout('beta_feature'), 50);
    assert.deepEqual(config.getTerminalSettings(), { mode: 2, rows: 50, cols: 80 });
    assert.deepEqual(config.getFeatureNames(), [...DEFAULT_FEATURES]);
    assert.equal(config.environment, 'test');
    assert.equal(config.getDebugView().store.status, 'none');
    const plain = make(t);
    assert.deepEqual([plain.getEnabledFeatures(), plain.getDebugView().rollouts], [[], {}]);
    assert.deepEqual(plain.getTerminalSettings(), { mode: 2, rows: 24, cols: 80 });
  },

  'features and environment may be others'(t) {
    const config = make(t, { b: true }, { features: NAMES, environment: 'staging' });
    assert.deepEqual([config.getFeatureNames(), config.getEnabledFeatures()], [NAMES, ['b']]);
    assert.equal(config.environment, 'staging');
    // A feature of this name is told from the terminal by its value.
    const odd = make(t, { terminal: 25 }, { features: ['terminal', 'constructor'] });
    assert.deepEqual([odd.getEnabledFeatures(), odd.getRollout('terminal')], [['terminal'], 25]);
    assert.equal(odd.getTerminalSettings().rows, 24);
    const both = override(odd, { constructor: true, terminal: { rows: 7 } });
    assert.deepEqual([odd.isFeatureEnabled('constructor'), odd.getTerminalSettings().rows], [true, 7]);
    both.restore();
    assert.deepEqual([odd.getEnabledFeatures(), odd.getTerminalSettings().rows], [['terminal'], 24]);
  },

  'two tests in a row, or at once, never see each other'(t) {
    const first = make(t, { debug: true });
    const second = make(t);
    assert.equal(second.isFeatureEnabled('debug'), false);
    second.enableFeature('metrics');
    second.setRollout('debug', 5);
    assert.deepEqual([first.getEnabledFeatures(), first.getRollout('debug')], [['debug'], 100]);
    first.destroy();
    assert.deepEqual(make(t).getEnabledFeatures(), []);
  },

  async 'a config with a database of its own persists, and leaves nothing behind'(t) {
    const listeners = process.listenerCount('exit');
    const ends = {
      close: (config) => config.close(),
      asyncDispose: (config) => config[Symbol.asyncDispose](),
      // These do not wait, but closing again gives what they began.
      destroy: (config) => (config.destroy(), config.close()),
      dispose: (config) => (config[Symbol.dispose](), config.close()),
    };
    for (const [name, end] of Object.entries(ends)) {
      const config = make(t, { debug: true }, { database: true });
      const { path } = config.getDebugView().store;
      await config.persist('first');
      config.disableFeature('debug');
      await config.persist('second');
      await config.rollback();
      assert.equal(config.isFeatureEnabled('debug'), true);
      assert.equal((await config.getHistory()).length, 3);
      assert.ok(existsSync(path));
      await end(config);
      assert.equal(config.close(), config.close(), 'the same promise');
      assert.ok(!existsSync(dirname(path)), name);
    }
    assert.equal(process.listenerCount('exit'), listeners);
    assert.equal(make(t, {}, { database: false }).getDebugView().store.status, 'none');
  },

  async 'a database that nobody closed is removed when the process ends'(t) {
    const child = t.spawn(`
      import { createTestConfig } from '13byte-config/testing';
      const configs = [createTestConfig({}, { database: true }), createTestConfig({}, { database: true })];
      await configs[0].persist();
      await createTestConfig({}, { database: true }).close();
      for (const config of configs) console.log(config.getDebugView().store.path);
      process.stdin.once('data', () => process.exit());
    `);
    const paths = [await child.line(), await child.line()];
    for (const path of paths) assert.ok(existsSync(path), path);
    child.send('go');
    assert.deepEqual(await child.exited, { code: 0, signal: null, stderr: '' });
    for (const path of paths) assert.ok(!existsSync(dirname(path)), path);
  },

  'a test config that is refused says why'() {
    const unknown = {
      code: 'ERR_UNKNOWN_FEATURE',
      message: `Unknown feature: debugg. Available: ${DEFAULT_FEATURES.join(', ')}`,
    };
    assert.throws(() => createTestConfig({ debugg: true }), unknown);
    assert.throws(() => createTestConfig({ debugg: true }, { database: true }), unknown);
    assert.throws(() => createTestConfig({}, { persistPath: './config.db' }), {
      name: 'TypeError',
      code: 'ERR_UNKNOWN_OPTION',
      message: 'Unknown option: persistPath. Available: features, environment, database',
    });
    assert.throws(() => createTestConfig({}, { database: 'yes' }), { code: 'ERR_INVALID_TYPE' });
    assert.throws(() => createTestConfig({}, { features: ['a', 'a'], database: true }), {
      code: 'ERR_DUPLICATE_FEATURE',
    });
    assert.throws(() => createTestConfig({}, { environment: 'a/b' }), { code: 'ERR_INVALID_VALUE' });
  },

  async 'a refused test config leaves no directory behind'(t) {
    const directory = t.tempDir();
    const child = t.spawn(
      `
      import { createTestConfig } from '13byte-config/testing';
      import { readdirSync } from 'node:fs';
      import { setImmediate } from 'node:timers/promises';
      const count = () => readdirSync(process.env.TMPDIR).filter((name) => name.startsWith('13byte-config-test-')).length;
      const fails = (...args) => { try { createTestConfig(...args); } catch ({ code }) { return code; } };
      console.log(fails({}, { features: ['a', 'a'], database: true }), count());
      console.log(fails({ debugg: true }, { database: true }));
      while (count() > 0) await setImmediate();
      console.log('none');
    `,
      { env: { TMPDIR: directory } },
    );
    assert.equal(await child.line(), 'ERR_DUPLICATE_FEATURE 0');
    assert.equal(await child.line(), 'ERR_UNKNOWN_FEATURE');
    assert.equal(await child.line(), 'none');
  },

  'a scope overrides, and restores exactly what it has set'(t) {
    const config = open(t);
    config.enableFeature('b');
    config.setRollout('a', 10);
    config.setRollout('b', 20);
    config.setTerminalSettings(1, 30, 90);
    const scope = override(config, { a: true, b: 75, c: false, terminal: { rows: 50, cols: undefined } });
    assert.ok(scope instanceof OverrideScope);
    assert.deepEqual(config.getEnabledFeatures(), ['a', 'b']);
    assert.deepEqual(
      NAMES.map((name) => config.getRollout(name)),
      [100, 75, 100, 100],
    );
    assert.deepEqual(
      KEYS.filter((key) => !config.isFeatureEnabledFor('a', key)),
      [],
      'on for every key',
    );
    assert.deepEqual(config.getTerminalSettings(), { mode: 1, rows: 50, cols: 90 });
    // What it has not set is nobody's to restore.
    config.enableFeature('d');
    config.setRollout('c', 33);
    config.cols = 100;
    scope[Symbol.dispose]();
    assert.deepEqual(config.getEnabledFeatures(), ['b', 'd']);
    assert.deepEqual(
      NAMES.map((name) => config.getRollout(name)),
      [10, 20, 33, 100],
    );
    assert.deepEqual(config.getTerminalSettings(), { mode: 1, rows: 30, cols: 100 });
  },

  'a scope ends once'(t) {
    const config = open(t);
    const scope = override(config, { a: true });
    scope.restore();
    config.enableFeature('a');
    scope.restore();
    scope[Symbol.dispose]();
    assert.equal(config.isFeatureEnabled('a'), true);
  },

  'false leaves the rollout, and 0 percent is on for nobody'(t) {
    const config = open(t);
    config.enableFeature('a');
    config.setRollout('a', 10);
    const off = override(config, { a: false });
    assert.deepEqual([config.isFeatureEnabled('a'), config.getRollout('a')], [false, 10]);
    off.restore();
    const nobody = override(config, { a: 0, b: 0.01 });
    assert.deepEqual([config.isFeatureEnabled('a'), config.getRollout('a'), config.getRollout('b')], [true, 0, 0.01]);
    assert.deepEqual(
      KEYS.filter((key) => config.isFeatureEnabledFor('a', key)),
      [],
    );
    nobody.restore();
    assert.deepEqual([config.getEnabledFeatures(), config.getRollout('a'), config.getRollout('b')], [['a'], 10, 100]);
  },

  'a refused override has changed nothing'(t) {
    const config = open(t);
    config.enableFeature('d');
    const before = config.getDebugView();
    for (const [overrides, expected] of [
      [
        { a: true, d: false, e: true },
        { name: 'ConfigError', code: 'ERR_UNKNOWN_FEATURE', message: 'Unknown feature: e. Available: a, b, c, d' },
      ],
      [
        { a: true, d: false, b: 'yes' },
        {
          name: 'TypeError',
          code: 'ERR_INVALID_TYPE',
          message: 'Invalid override of b: "yes" (must be true, false or the percent of keys that it is on for)',
        },
      ],
      [{ a: true, d: false, b: null }, { code: 'ERR_INVALID_TYPE' }],
      [{ a: true, d: false, b: { enabled: true } }, { code: 'ERR_INVALID_TYPE' }],
      [
        { a: true, d: false, b: 100.001 },
        { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' },
      ],
      [{ a: true, d: false, b: -1 }, { code: 'ERR_OUT_OF_RANGE' }],
      [{ a: true, d: false, b: Number.NaN }, { code: 'ERR_OUT_OF_RANGE' }],
      [
        { a: true, d: false, terminal: { rows: 0 } },
        { name: 'RangeError', code: 'ERR_OUT_OF_RANGE', message: 'Invalid rows: 0 (must be 1-255)' },
      ],
      [{ a: true, d: false, terminal: { mode: 4 } }, { code: 'ERR_OUT_OF_RANGE' }],
      [{ a: true, d: false, terminal: { cols: '80' } }, { code: 'ERR_INVALID_TYPE' }],
      [{ a: true, d: false, terminal: { row: 1 } }, { code: 'ERR_UNKNOWN_OPTION' }],
      [{ a: true, d: false, terminal: null }, { code: 'ERR_INVALID_TYPE' }],
      [{ a: true, d: false, terminal: [2, 24, 80] }, { code: 'ERR_INVALID_TYPE' }],
      [{ a: true, d: false, terminal: true }, { code: 'ERR_UNKNOWN_FEATURE' }],
      [{ e: 'yes' }, { code: 'ERR_UNKNOWN_FEATURE' }],
      [['a'], { code: 'ERR_INVALID_TYPE' }],
      ['a', { code: 'ERR_INVALID_TYPE' }],
      [undefined, { code: 'ERR_INVALID_TYPE' }],
    ]) {
      assert.throws(() => override(config, overrides), expected);
      assert.throws(() => withOverrides(config, overrides, () => assert.fail('it ran')), expected);
    }
    assert.throws(() => override(config, {}, { onconflict: 'restore' }), { code: 'ERR_UNKNOWN_OPTION' });
    assert.throws(() => override(config, {}, { onConflict: 'ignore' }), { code: 'ERR_INVALID_VALUE' });
    assert.throws(() => override({}, {}), { name: 'TypeError', code: 'ERR_INVALID_TYPE' });
    assert.throws(() => withOverrides(config, { a: true }, 'body'), { name: 'TypeError', code: 'ERR_INVALID_TYPE' });
    assert.equal(config.getDebugView(), before);
    // Nothing is in force either: this is the first scope, and may end.
    override(config, { a: true }).restore();
  },

  'what could not be restored is refused'(t) {
    const config = open(t);
    config.updateFromBuffer(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 80, 0));
    const before = config.getDebugView();
    assert.throws(() => override(config, { a: true, terminal: { rows: 9 } }), {
      code: 'ERR_OUT_OF_RANGE',
      message: /^Invalid rows: 0 /,
    });
    assert.equal(config.getDebugView(), before);
    const scope = override(config, { a: true, terminal: { cols: 9 } });
    assert.deepEqual(config.getTerminalSettings(), { mode: 2, rows: 0, cols: 9 });
    scope.restore();
    assert.deepEqual(config.getTerminalSettings(), { mode: 2, rows: 0, cols: 80 });
  },

  async 'closed and read-only configs are refused'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath });
    await config.persist();
    const reader = open(t, { persistPath, readOnly: true });
    assert.throws(() => override(reader, { a: true }), { code: 'ERR_READ_ONLY' });
    await config.close();
    assert.throws(() => override(config, { a: true }), { code: 'ERR_CLOSED' });
    assert.throws(() => withOverrides(config, { a: true }, () => {}), { code: 'ERR_CLOSED' });
  },

  async 'a function runs with overrides, and gives its result'(t) {
    const config = open(t);
    const on = () => config.isFeatureEnabled('a');
    assert.equal(withOverrides(config, { a: true }, on), true);
    assert.equal(on(), false);
    assert.equal(
      withOverrides(config, { a: true }, () => null),
      null,
    );
    const later = withOverrides(config, { a: true }, async () => {
      await once(AbortSignal.timeout(1), 'abort');
      return on();
    });
    assert.equal(on(), true, 'until it has settled');
    assert.equal(await later, true);
    assert.equal(on(), false);
    // eslint-disable-next-line unicorn/no-thenable
    assert.equal(await withOverrides(config, { a: true }, () => ({ then: (resolve) => resolve(on()) })), true);
    assert.equal(on(), false);
  },

  async 'a function that throws or rejects leaves nothing behind'(t) {
    const config = open(t);
    const before = config.toHex();
    const failure = new Error('the test failed');
    const isFailure = (error) => error === failure;
    assert.throws(
      () =>
        withOverrides(config, { a: true, b: 5, terminal: { rows: 1 } }, () => {
          throw failure;
        }),
      isFailure,
    );
    assert.deepEqual([config.toHex(), config.getRollout('b')], [before, 100]);
    await assert.rejects(
      withOverrides(config, { a: true, b: 5 }, async () => {
        throw failure;
      }),
      isFailure,
    );
    assert.deepEqual([config.toHex(), config.getRollout('b')], [before, 100]);
    // Both the function and the end fail.
    const isBoth = (error) =>
      error instanceof AggregateError &&
      error.cause === failure &&
      error.errors[0] === failure &&
      error.errors[1].code === 'ERR_OVERRIDE_CONFLICT' &&
      error.errors.length === 2;
    const change = () => {
      config.disableFeature('a');
      throw failure;
    };
    assert.throws(() => withOverrides(config, { a: true, b: true }, change), isBoth);
    await assert.rejects(
      withOverrides(config, { a: true, b: true }, async () => change()),
      isBoth,
    );
    assert.equal(config.toHex(), before);
  },

  'scopes nest'(t) {
    const config = open(t);
    const seen = () => [config.isFeatureEnabled('a'), config.getRollout('a'), config.rows];
    withOverrides(config, { a: 10, terminal: { rows: 1 } }, () => {
      withOverrides(config, { a: 20 }, () => {
        withOverrides(config, { a: false, terminal: { rows: 2 } }, () => assert.deepEqual(seen(), [false, 20, 2]));
        assert.deepEqual(seen(), [true, 20, 1]);
      });
      assert.deepEqual(seen(), [true, 10, 1]);
      // Another config on the same memory is part of it.
      const same = attachConfig(config.share());
      t.after(() => same.close());
      const outer = override(same, { a: 30 });
      const inner = override(config, { a: 40 });
      assert.throws(() => outer.restore(), ORDER);
      inner.restore();
      assert.deepEqual(seen(), [true, 10, 1]);
    });
    assert.deepEqual(seen(), [false, 100, 24]);
  },

  'scopes that end in another order say so, and leave nothing behind'(t) {
    const config = open(t);
    const first = override(config, { a: true, b: 10, c: true });
    const second = override(config, { a: false, b: 20 });
    const third = override(config, { b: 30 });
    assert.throws(
      () => first.restore(),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.equal(error.code, 'ERR_OVERRIDE_ORDER');
        assert.match(
          error.message,
          /^Overrides ended before later ones of the same: feature a, feature b, rollout b \(end them in reverse order/,
        );
        return true;
      },
    );
    assert.deepEqual([config.getEnabledFeatures(), config.getRollout('b')], [['b'], 30], 'the later ones are in force');
    assert.throws(() => second.restore(), ORDER);
    assert.deepEqual([config.getEnabledFeatures(), config.getRollout('b')], [['b'], 30]);
    third.restore();
    assert.deepEqual([config.getEnabledFeatures(), config.getRollout('b')], [[], 100]);
  },

  'scopes that have nothing in common end in any order'(t) {
    const config = open(t);
    const [first, second] = [
      override(config, { a: true, terminal: { rows: 1 } }),
      override(config, { b: 5, terminal: { cols: 1 } }),
    ];
    first.restore();
    assert.deepEqual(
      [config.getEnabledFeatures(), config.getTerminalSettings()],
      [['b'], { mode: 2, rows: 24, cols: 1 }],
    );
    second.restore();
    assert.deepEqual(
      [config.getEnabledFeatures(), config.getTerminalSettings()],
      [[], { mode: 2, rows: 24, cols: 80 }],
    );
  },

  async 'functions that run at the same time see each other, say so, and leave nothing behind'(t) {
    const config = open(t);
    const gate = new EventTarget();
    const opened = once(gate, 'open');
    const slow = withOverrides(config, { a: 20 }, async () => {
      await opened;
      return config.getRollout('a');
    });
    const quick = withOverrides(config, { a: 40 }, async () => config.getRollout('a'));
    assert.equal(await quick, 40);
    const late = withOverrides(config, { a: 60 }, async () => {
      await slow.catch(() => {});
      return config.getRollout('a');
    });
    gate.dispatchEvent(new Event('open'));
    await assert.rejects(slow, ORDER);
    assert.equal(await late, 60);
    assert.deepEqual([config.getEnabledFeatures(), config.getRollout('a')], [[], 100]);
    // Each with a config of its own, they do not.
    const results = await Promise.all(
      [20, 40, 60].map((percent) => {
        const own = make(t, {}, { features: NAMES });
        return withOverrides(own, { a: percent }, async () => own.getRollout('a'));
      }),
    );
    assert.deepEqual(results, [20, 40, 60]);
  },

  'what somebody else has changed is left, and told'(t) {
    const config = open(t);
    config.setRollout('b', 10);
    const scope = override(config, { a: true, b: true, c: true, terminal: { rows: 50, cols: 60 } });
    config.disableFeature('a');
    config.setRollout('b', 30);
    config.rows = 70;
    assert.throws(() => scope.restore(), {
      ...CONFLICT,
      message:
        'Overrides were changed while they were in force: feature a was set to true and is false, rollout b was set to ' +
        "100 and is 30, terminal rows was set to 50 and is 70 (left as it is; pass onConflict: 'restore' to restore it all the same)",
    });
    assert.deepEqual(config.getEnabledFeatures(), []);
    assert.equal(config.getRollout('b'), 30);
    assert.deepEqual(config.getTerminalSettings(), { mode: 2, rows: 70, cols: 80 });
    // Changed there and back is not changed.
    const other = override(config, { a: true });
    config.disableFeature('a');
    config.enableFeature('a');
    other.restore();
    assert.equal(config.isFeatureEnabled('a'), false);
  },

  "with onConflict: 'restore' all is restored"(t) {
    const config = open(t);
    withOverrides(
      config,
      { a: true, b: 10 },
      () => {
        config.disableFeature('a');
        config.setRollout('b', 30);
      },
      { onConflict: 'restore' },
    );
    assert.deepEqual([config.getEnabledFeatures(), config.getRollout('b')], [[], 100]);
    const scope = override(config, { a: true }, { onConflict: 'throw' });
    config.disableFeature('a');
    assert.throws(() => scope.restore(), CONFLICT);
  },

  'a change between two scopes of the same is left, and told by both'(t) {
    const config = open(t);
    const outer = override(config, { a: 10 });
    config.setRollout('a', 15);
    const inner = override(config, { a: 20 });
    assert.throws(() => outer.restore(), {
      code: 'ERR_OVERRIDE_ORDER',
      message: /feature a, rollout a; rollout a was set to 10 and is 15 \(/,
    });
    inner.restore();
    assert.deepEqual([config.getEnabledFeatures(), config.getRollout('a')], [[], 15], 'not clobbered');
  },

  async 'the database is never written'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    for (const autoPersist of [false, { debounceMs: 0 }]) {
      const config = open(t, { persistPath, autoPersist });
      const revisions = (await config.getHistory()).length;
      const scope = override(config, { a: true, b: 5, terminal: { rows: 9 } });
      // Closing persists what there is to persist.
      scope.restore();
      const last = override(config, { a: true });
      await config.close();
      last.restore();
      const again = open(t, { persistPath });
      assert.equal((await again.getHistory()).length, revisions);
      assert.deepEqual(again.getEnabledFeatures(), []);
    }
    // What the program itself changes is persisted as ever.
    const config = open(t, { persistPath, autoPersist: { debounceMs: 0 } });
    withOverrides(config, { a: true }, () => {});
    config.enableFeature('c');
    await config.close();
    const [entry, ...others] = await open(t, { persistPath }).getHistory();
    assert.deepEqual([entry.changes, others], [['+c'], []]);
  },

  ...onPosix({
    'the database is not even looked at'(t) {
      const config = open(t, { persistPath: join(t.tempDir(), 'config.db'), autoPersist: true });
      rmSync(config.getDebugView().store.path);
      assert.equal(
        withOverrides(config, { a: true }, () => config.isFeatureEnabled('a')),
        true,
      );
    },
  }),

  async 'who shares the memory sees overrides, and their end'(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync: true, features: NAMES };
    const config = open(t, options);
    const peer = startProcess();
    t.after(() => peer.stop());
    await peer.tell('open', options);
    await peer.tell('listen');
    const scope = override(config, { a: true, b: 50, terminal: { rows: 9 } });
    await peer.tell('hears', ['a', 'b']);
    assert.deepEqual(await peer.tell('getTerminalSettings'), { mode: 2, rows: 9, cols: 80 });
    assert.equal(await peer.tell('getRollout', 'b'), 50);
    // Another process decides otherwise.
    await peer.tell('setRollout', 'b', 60);
    // The config of the scope is closed meanwhile, but the memory is the others' too.
    await config.close();
    assert.throws(() => scope.restore(), { ...CONFLICT, message: /: rollout b was set to 50 and is 60 \(/ });
    await peer.tell('hears', []);
    assert.equal(await peer.tell('getRollout', 'b'), 60);
    assert.deepEqual(await peer.tell('getTerminalSettings'), { mode: 2, rows: 24, cols: 80 });
    assert.deepEqual(await peer.tell('getHistory'), []);
  },

  async 'listeners are told, as of changes by others'(t) {
    const config = open(t);
    const told = once(config, 'change');
    const scope = override(config, { a: true });
    const [{ enabled, local }] = await told;
    assert.deepEqual([enabled, local], [['a'], false]);
    const toldAgain = once(config, 'change');
    scope.restore();
    assert.deepEqual((await toldAgain)[0].disabled, ['a']);
  },

  'it is one implementation through import and require'(t) {
    const required = createRequire(import.meta.url)('13byte-config/testing');
    assert.deepEqual(Object.keys(required).toSorted(), [
      'OverrideScope',
      'createTestConfig',
      'override',
      'withOverrides',
    ]);
    assert.equal(required.override, override);
    assert.equal(required.createTestConfig, createTestConfig);
    const config = open(t);
    assert.throws(() => override(config, { e: true }), ConfigError);
  },

  async 'the examples for test runners pass'(t) {
    // A test runner needs a process of its own, so once for a runtime is enough.
    if (t.runtime.isWorker) return;
    const runner = t.runtime.name === 'bun' ? 'bun:test' : 'node:test';
    const text = readFileSync(join(root, 'docs/testing.md'), 'utf8');
    const [, example] = new RegExp(`^\`${runner}\`:\n\n\`\`\`js\n(.*?)^\`\`\``, 'ms').exec(text);
    const directory = t.tempDir();
    mkdirSync(join(directory, 'node_modules'));
    symlinkSync(root, join(directory, 'node_modules', '13byte-config'), 'junction');
    writeFileSync(join(directory, 'example.test.mjs'), example);
    const args = t.runtime.name === 'bun' ? ['test'] : ['--test', '--test-reporter=tap'];
    // Node's runner marks its children with a variable, and would not run in one of them.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [...args, 'example.test.mjs'], {
      cwd: directory,
      env,
    });
    assert.match(stdout + stderr, /^(# pass 2| 2 pass)$/m);
    assert.match(stdout + stderr, /^(# fail 0| 0 fail)$/m);
  },
});

function make(t, overrides, options) {
  const config = createTestConfig(overrides, options);
  t.after(() => config.close());
  return config;
}

function open(t, options) {
  const config = createProductionConfig({ features: NAMES, ...options });
  t.after(() => config.close());
  return config;
}
