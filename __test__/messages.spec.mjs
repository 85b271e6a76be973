import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { attachConfig, ConfigCore13Byte, createProductionConfig } from '13byte-config';
import { createTestConfig, override, withOverrides } from '13byte-config/testing';
import { onPosix } from './harness/posix.mjs';
import { suite } from './harness/suite.mjs';

const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const CONTROLS = '\u001B[2J\u001B]0;title\u0007\u009B31m\r\n\0';

/** Text that does something to a terminal or to its reader, and values that do something to who looks at them. */
const HOSTILE = [
  CONTROLS,
  `${CONTROLS}${'x'.repeat(1_000_000)}`,
  '\u202Egnp.exe\u2066\u2028\u200B\uFEFF\u{E0041}',
  '\uD800 alone \uDC00',
  'x'.repeat(10_000_000),
  'a'.repeat(64),
  Symbol(CONTROLS.repeat(100)),
  10n ** 5000n,
  Object.assign(Object.create(null), { [CONTROLS]: 1 }),
  { constructor: { name: CONTROLS.repeat(1000) } },
  {
    constructor: {
      name: {
        toString() {
          throw new Error('looked at');
        },
      },
    },
  },
  {
    get constructor() {
      throw new Error('looked at');
    },
  },
  {
    [Symbol.toPrimitive]() {
      throw new Error('looked at');
    },
  },
  Object.defineProperty(() => {}, 'name', { value: CONTROLS }),
  Proxy.revocable({}, {}).proxy,
  [CONTROLS],
  -0.1,
  Number.NaN,
];

export default suite(
  'messages',
  {
    async 'whatever is given to whatever there is, the message is of one line, bounded and has nothing in it that is not seen'(
      t,
    ) {
      const directory = t.tempDir();
      const config = createProductionConfig({ persistPath: join(directory, 'c.db'), environment: 'production' });
      t.after(() => config.close());
      await config.persist('first');
      const core = new ConfigCore13Byte();
      const handle = config.share();
      for (const [index, value] of HOSTILE.entries()) {
        const path = typeof value === 'string' ? join(directory, value.slice(0, 5000)) : value;
        const uses = [
          ...['isFeatureEnabled', 'enableFeature', 'disableFeature', 'toggleFeature', 'feature', 'getRollout'].map(
            (name) => () => config[name](value),
          ),
          () => config.setFeature('debug', value),
          () => config.setFeature(value, true),
          () => config.setRollout('debug', value),
          () => config.isFeatureEnabledFor('debug', Object(value) === value ? value : Symbol('key')),
          () => config.isFeatureEnabledFor(value, 'k'),
          () => config.update(value),
          () => config.update((draft) => draft.enable(value)),
          () => config.update((draft) => draft.set('debug', value)),
          () => config.update((draft) => draft.terminal(value, 1, 1)),
          () => config.updateFromBuffer(value),
          () => config.setTerminalSettings(1, value, 1),
          ...['version', 'registryHash', 'featureFlags', 'terminalMode', 'rows', 'cols', 'reserved'].map(
            (name) => () => {
              config[name] = value;
            },
          ),
          ...[
            'setVersion',
            'setRegistryHash',
            'setFeatureFlags',
            'setTerminalMode',
            'setTerminalRows',
            'setReserved',
            'hasFeature',
            'toggleFeature',
          ].map((name) => () => core[name](value)),
          () => new ConfigCore13Byte(value),
          () => ConfigCore13Byte.fromHex(value),
          ...[
            'environment',
            'features',
            'enableClusterSync',
            'autoPersist',
            'debugMode',
            'autoLoad',
            'onStoreError',
            'readOnly',
            'fileMustExist',
            'liveMustExist',
          ].map((name) => () => createProductionConfig({ [name]: value })),
          () => createProductionConfig({ enableClusterSync: true, clusterName: value }),
          () => createProductionConfig({ features: [value] }),
          () => createProductionConfig({ features: ['a', 'a', value] }),
          () => createProductionConfig({ persistPath: path, fileMustExist: true }),
          () =>
            createProductionConfig({
              persistPath: typeof path === 'string' ? join(path, 'c.db') : path,
              readOnly: true,
            }),
          () => createProductionConfig(typeof value === 'string' ? { [value]: 1 } : value),
          () => createProductionConfig({ actor: `${String(index)}${'x'.repeat(300)}` }),
          () => attachConfig(value),
          () => attachConfig({ ...handle, pageId: value }),
          () => attachConfig({ ...handle, environment: value }),
          () => config.persist(value),
          () => config.persist('r', { ifRevision: value }),
          () => config.persist('r', typeof value === 'string' ? { [value]: 1 } : value),
          () => config.rollback(value),
          () => config.promote(value),
          () => config.diff(value, 1),
          () => config.getHistory(value),
          () => config.verify({ expectedHead: value }),
          () => config.verify({ signal: value }),
          () => config.verify({ onProgress: typeof value === 'function' ? 1 : value }),
          () => config.prune({ keep: value }),
          () => config.backup(typeof path === 'string' ? join(path, 'nowhere') : path),
          () => config.apply(value),
          () => config.apply({ terminal: value, features: {} }),
          () =>
            config.apply({
              terminal: { mode: 1, rows: 1, cols: 1 },
              features: { [typeof value === 'string' ? value : 'debug']: value },
            }),
          () => config.changes({ signal: value }).next(),
          () => createTestConfig({ [typeof value === 'string' ? value : 'debug']: value }),
          () => override(config, { debug: typeof value === 'number' ? value : CONTROLS }),
          () => override(value, {}),
          () => withOverrides(config, {}, typeof value === 'function' ? 1 : value),
          () => override(config, {}, { onConflict: value }),
        ];
        for (const use of uses) {
          let message;
          try {
            const made = await use();
            // Some of it is right here and there: a name of 64 letters is one of an environment.
            made?.destroy?.();
            made?.restore?.();
            continue;
          } catch (error) {
            assert.match(`${error.code}`, /^ERR_/, `${use}: ${error.stack}`);
            ({ message } = error);
          }
          assert.doesNotMatch(message, UNSEEN, `${use}, value ${index}`);
          assert.ok(message.length < 9000, `${use}, value ${index}: ${message.length} characters`);
        }
      }
      assert.equal((await config.verify()).ok, true);
    },

    'ordinary names and paths are as they are'(t) {
      const config = createProductionConfig();
      t.after(() => config.close());
      assert.throws(() => config.isFeatureEnabled('chekout'), {
        message: `Unknown feature: chekout. Available: ${config.getFeatureNames().join(', ')}`,
      });
      assert.throws(() => config.isFeatureEnabled(`${'é'.repeat(81)}`), {
        message: new RegExp(`^Unknown feature: é{80}…\\. Available: debug, `),
      });
      const missing = join(t.tempDir(), 'ünïcödé 日本', 'c.db');
      assert.throws(
        () => createProductionConfig({ persistPath: missing }),
        (error) => error.message.includes(`Cannot use ${missing} as a database: its directory`),
      );
    },

    ...onPosix({
      async 'a path that is too long for SQLite is refused by that, whatever is in it, and nothing is made'(t) {
        for (const [length, name] of [
          [460, 'flags.db'],
          [504, 'c.db'],
          [505, 'c.db'],
          [700, 'flags.db'],
          [0, 'n'.repeat(247)],
          [0, 'n'.repeat(248)],
          [0, 'n'.repeat(255)],
          [0, 'n'.repeat(300)],
        ]) {
          const path = pathOf(t.tempDir(), length, name);
          const fits = length <= 504 && name.length <= 247;
          let outcome = 'made';
          try {
            const config = createProductionConfig({ persistPath: path, environment: 'production' });
            await config.persist('first');
            await config.close();
          } catch (error) {
            outcome = error.code;
            assert.match(error.message, / too long|longer than/);
          }
          assert.equal(outcome, fits ? 'made' : 'ERR_STORE_PATH', `${path.length} bytes, a name of ${name.length}`);
          if (!fits) assert.deepEqual(readdirSync(dirname(path)), []);
        }
        // The live file has a longer name.
        const live = join(t.tempDir(), 'n'.repeat(245));
        assert.throws(
          () => createProductionConfig({ persistPath: live, environment: 'production', enableClusterSync: true }),
          /choose a shorter path or environment/,
        );
      },

      'without descriptors the message is about those, not about permissions'(t) {
        const persistPath = join(t.tempDir(), 'c.db');
        const program = `
      import { openSync, closeSync } from 'node:fs';
      import { createProductionConfig } from '13byte-config';
      // The package has everything it needs.
      const first = createProductionConfig({ persistPath: process.env.OTHER_PATH, environment: 'production' });
      const taken = [];
      try { for (;;) taken.push(openSync('/dev/null')); } catch {}
      const found = new Set();
      for (let free = 0; free < 12; free += 1) {
        try {
          createProductionConfig({ persistPath: process.env.PERSIST_PATH, environment: 'production' }).destroy();
        } catch ({ code, message }) {
          found.add(code + ' ' + message);
        }
        closeSync(taken.pop());
      }
      process.stdout.write(JSON.stringify([...found]));
      process.exit();
    `;
        const { stdout, stderr } = spawnSync(
          'sh',
          [
            '-c',
            'ulimit -n 128 && exec "$0" "$@"',
            process.execPath,
            ...(process.versions.bun ? ['-e', program] : ['--input-type=module', '-e', program]),
          ],
          {
            cwd: import.meta.dirname,
            env: { ...process.env, PERSIST_PATH: persistPath, OTHER_PATH: `${persistPath}-other` },
            encoding: 'utf8',
          },
        );
        const found = JSON.parse(stdout || `["${stderr.slice(0, 500)}"]`);
        assert.ok(found.length > 0, stderr);
        for (const message of found) {
          assert.match(message, /^ERR_(STORE_IO|THREAD|STORE|LIVE_FILE) /);
          assert.doesNotMatch(message, /check the permissions/);
        }
        assert.ok(
          found.some((message) => /no file descriptors are left/.test(message)),
          found.join('\n'),
        );
      },
    }),
  },
  { timeoutMs: 60_000 },
);

/** A path in a directory that is made, so long that it has this many bytes, if it is not longer anyway. */
function pathOf(base, length, name) {
  let at = base;
  while (at.length + 1 + name.length < length)
    at += `/${'d'.repeat(Math.max(1, Math.min(100, length - at.length - name.length - 2)))}`;
  mkdirSync(at, { recursive: true });
  return join(at, name);
}
