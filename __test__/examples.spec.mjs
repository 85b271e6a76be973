// @ts-check
// The code blocks of the product brief, each run as a user would run it, and held to what it promises.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createProductionConfig } from '../types/index.mjs';
import { examples, runExample } from '../examples/run.mjs';
import { runtime } from './harness/context.mjs';
import { ownStderr } from './harness/stderr.mjs';
import { suite } from './harness/suite.mjs';

/**
 * @typedef {import('./harness/context.mjs').TestContext} TestContext
 * @typedef {import('./harness/suite.mjs').Case} Case
 */

const defaultFeatures = [
  'debug',
  'verbose',
  'metrics',
  'logging',
  'caching',
  'compression',
  'encryption',
  'validation',
  'beta_feature',
  'new_feature',
  'maintenance_mode',
];

/** Printed by an example's tail, so that it can be told from the example's own output. */
const report = 'report: ';

/**
 * Runs an example, which must not fail or complain.
 *
 * @param {string} name
 * @param {import('../examples/run.mjs').RunOptions} options
 */
async function run(name, options) {
  const { stdout, stderr, ...rest } = await runExample(name, options);
  assert.deepEqual({ ...rest, stderr: ownStderr(stderr) }, { code: 0, signal: null, stderr: '' });
  return stdout;
}

/**
 * Runs an example and evaluates an expression at its end.
 *
 * @param {string} name
 * @param {string} expression
 * @param {Omit<import('../examples/run.mjs').RunOptions, 'tail'>} options
 */
async function evaluate(name, expression, options) {
  const stdout = await run(name, { ...options, tail: `console.log('${report}' + JSON.stringify(${expression}));` });
  return JSON.parse(stdout.slice(stdout.indexOf(report) + report.length));
}

/**
 * Opens a database that an example has written.
 *
 * @param {TestContext} t
 * @param {string} cwd
 * @param {string} file
 * @param {string} [environment]
 */
function reopen(t, cwd, file, environment = 'development') {
  const config = createProductionConfig({ persistPath: join(cwd, file), environment });
  t.after(() => config.close());
  return config;
}

/**
 * Starts processes that share a config and say when a feature goes on.
 *
 * @param {TestContext} t
 * @param {string} cwd
 * @param {object} options of the config
 * @param {string} feature
 */
async function startWatchers(t, cwd, options, feature) {
  const source = watcher(cwd, options, feature);
  const watchers = Array.from({ length: 5 }, () => t.spawn(source, { env: { XDG_RUNTIME_DIR: cwd } }));
  for (const child of watchers) assert.equal(await child.line(), 'off');
  return {
    async assertAllSee() {
      for (const child of watchers) assert.equal(await child.line(), 'on');
    },
  };
}

/**
 * The program of a process that says whether a feature is off or on, and then when it goes on.
 *
 * @param {string} cwd
 * @param {object} options
 * @param {string} feature
 */
function watcher(cwd, options, feature) {
  const entry = new URL('../types/index.mjs', import.meta.url).href;
  return `
    import { createProductionConfig } from ${JSON.stringify(entry)};
    process.chdir(${JSON.stringify(cwd)});
    const config = createProductionConfig(${JSON.stringify(options)});
    const isOn = () => config.isFeatureEnabled(${JSON.stringify(feature)});
    console.log(isOn() ? 'on' : 'off');
    const timer = setInterval(() => {
      if (!isOn()) return;
      console.log('on');
      clearInterval(timer);
    }, 1);
  `;
}

/** @type {Record<string, Case>} */
const onEveryRuntime = {
  async 'persistence keeps a revision, and load restores it'(t) {
    const cwd = t.tempDir();
    assert.deepEqual(await evaluate('persistence', '{ loaded, hex: config.toHex() }', { cwd }), {
      loaded: true,
      hex: '0x01785634120000000002185000',
    });
    const [entry, ...rest] = await reopen(t, cwd, 'config.db').getHistory();
    assert.equal(entry?.changeReason, 'feature_rollout');
    assert.equal(entry.configHex, '0x01785634120000000002185000');
    assert.deepEqual(rest, []);
  },

  async 'team-friendly-api prints names, not bits'(t) {
    const stdout = await run('team-friendly-api', { cwd: t.tempDir() });
    // Bit 7, which the first lines set without saying so, is validation.
    assert.match(stdout, /enabled: \[\s*['"]debug['"], ['"]metrics['"], ['"]validation['"]/);
    assert.match(stdout, /disabled: \[\s*['"]verbose['"]/);
    assert.match(stdout, /dimensions: ['"]50x120['"]/);
    assert.match(stdout, /hex: ['"]0x01785634128500000002327800['"]/);
  },

  async 'team-friendly-api has the promised bytes without the bit mask'(t) {
    const expression = "(config.disableFeature('validation'), config.getDebugView())";
    const view = await evaluate('team-friendly-api', expression, { cwd: t.tempDir() });
    assert.deepEqual(view.features.enabled, ['debug', 'metrics']);
    assert.equal(view.terminal.mode, 2);
    assert.equal(view.terminal.dimensions, '50x120');
    assert.equal(view.raw.hex, '0x01785634120500000002327800');
  },

  async 'cluster-sync reaches five other processes'(t) {
    const cwd = t.tempDir();
    const watchers = await startWatchers(t, cwd, { enableClusterSync: true }, 'new_feature');
    assert.equal(await run('cluster-sync', { cwd }), '');
    await watchers.assertAllSee();
  },

  async 'error-handling gets a message that names the features there are'(t) {
    const expression = `(() => {
      try {
        config.enableFeature('unknown_feature');
      } catch (error) {
        return { message: error.message, code: error.code, validation };
      }
    })()`;
    assert.deepEqual(await evaluate('error-handling', expression, { cwd: t.tempDir() }), {
      message: `Unknown feature: unknown_feature. Available: ${defaultFeatures.join(', ')}`,
      code: 'ERR_UNKNOWN_FEATURE',
      validation: { isValid: true, errors: [] },
    });
  },

  async 'error-handling finds a row count of 0'(t) {
    const expression =
      '(config.updateFromBuffer(Uint8Array.of(1, 0x78, 0x56, 0x34, 0x12, 0, 0, 0, 0, 2, 0, 80, 0)), config.validate())';
    assert.deepEqual(await evaluate('error-handling', expression, { cwd: t.tempDir() }), {
      isValid: false,
      errors: ['Invalid rows: 0 (must be 1-255)'],
    });
  },

  async 'performance leaves the debug feature off and one revision behind'(t) {
    const cwd = t.tempDir();
    assert.equal(await run('performance', { cwd }), '');
    const [entry] = await reopen(t, cwd, 'config.db').getHistory();
    assert.equal(entry?.changeReason, 'update');
    assert.equal(entry.configHex, '0x01785634120000000002185000');
  },

  async 'service keeps production and development apart in one file'(t) {
    const cwd = t.tempDir();
    await run('service', { cwd, environment: 'production' });
    await run('service', { cwd, environment: 'development' });
    const production = reopen(t, cwd, 'service-config.db', 'production');
    const development = reopen(t, cwd, 'service-config.db');
    assert.deepEqual(production.getEnabledFeatures(), ['metrics', 'encryption']);
    assert.deepEqual(development.getEnabledFeatures(), ['debug', 'verbose']);
    for (const config of [production, development]) {
      assert.deepEqual(
        (await config.getHistory()).map(({ changeReason }) => changeReason),
        ['service_deployment'],
      );
    }
  },

  async 'service shows timings in development alone'(t) {
    const cwd = t.tempDir();
    const expression = 'Object.keys(serviceConfig.getDebugView().timings ?? {})';
    const timed = await evaluate('service', expression, { cwd, environment: 'development' });
    assert.deepEqual(timed, ['enableFeature', 'persist']);
    assert.deepEqual(await evaluate('service', expression, { cwd, environment: 'production' }), []);
  },

  async 'feature-rollout shows the whole rollout with its times'(t) {
    const before = Date.now();
    const cwd = t.tempDir();
    /** @type {import('../index.js').HistoryEntry[]} */
    const history = await evaluate('feature-rollout', 'history', { cwd });
    const reasons = ['beta_rollout_full', 'beta_rollout_50_percent', 'beta_rollout_10_percent'];
    assert.deepEqual(
      history.map(({ changeReason }) => changeReason),
      reasons,
    );
    assert.deepEqual(
      history.map(({ changes }) => changes),
      [[], [], ['+beta_feature']],
    );
    const times = [Date.now(), ...history.map(({ createdAt }) => Date.parse(String(createdAt))), before];
    assert.deepEqual(
      times,
      times.toSorted((a, b) => b - a),
    );

    const config = reopen(t, cwd, 'flags.db');
    assert.equal(config.isFeatureEnabled('beta_feature'), true);
    assert.deepEqual(
      (await config.getHistory()).map(({ changeReason }) => changeReason),
      reasons,
    );
  },

  async 'cluster reaches five other processes that share its database'(t) {
    const cwd = t.tempDir();
    const options = { enableClusterSync: true, persistPath: './cluster-config.db' };
    const watchers = await startWatchers(t, cwd, options, 'maintenance_mode');
    assert.equal(await run('cluster', { cwd }), '');
    await watchers.assertAllSee();
  },

  async 'inspector shows features and terminal, not bytes'(t) {
    const stdout = await run('inspector', { cwd: t.tempDir() });
    assert.match(stdout, /^ProductionConfig \{\n/);
    assert.match(stdout, /disabled: \[\s*['"]debug['"],/);
    assert.match(stdout, /terminal: ['"]raw 24x80['"]/);
    assert.doesNotMatch(stdout, /0x|Int32Array|SharedArrayBuffer|#/);
  },

  async 'getting-started enables, persists and prints'(t) {
    const cwd = t.tempDir();
    const stdout = await run('getting-started', { cwd });
    assert.match(stdout, /enabled: \[\s*['"]metrics['"]\s*\]/);
    assert.match(stdout, /timings: \{/);
    assert.match(stdout, /revision: 1/);
    const config = reopen(t, cwd, 'config.db');
    assert.deepEqual(config.getEnabledFeatures(), ['metrics']);
    assert.deepEqual(
      (await config.getHistory()).map(({ changeReason }) => changeReason),
      ['production_setup'],
    );
  },

  async 'no example is left out'() {
    const tested = Object.keys({ ...onEveryRuntime, ...onBun }).join('\n');
    const missing = examples.filter((name) => !new RegExp(`^${name} `, 'm').test(tested));
    assert.deepEqual(missing, []);
  },
};

/** @type {Record<string, Case>} */
const onBun = {
  async 'bun-sqlite opens the same file and harms nothing'(t) {
    const cwd = t.tempDir();
    await run('persistence', { cwd });
    assert.deepEqual(await evaluate('bun-sqlite', "db.query('PRAGMA journal_mode').get()", { cwd }), {
      journal_mode: 'wal',
    });
    const history = await reopen(t, cwd, 'config.db').getHistory();
    assert.deepEqual(
      history.map(({ changeReason }) => changeReason),
      ['feature_rollout'],
    );
  },

  async 'bun-timing measures nanoseconds'(t) {
    const cwd = t.tempDir();
    assert.equal(await run('bun-timing', { cwd }), '');
    const duration = await evaluate('bun-timing', 'duration', { cwd });
    assert.ok(Number.isInteger(duration) && duration > 0, `${duration} ns`);
  },

  async 'bun-worker shares the config with five other processes'(t) {
    const cwd = t.tempDir();
    const watchers = await startWatchers(t, cwd, { enableClusterSync: true }, 'caching');
    assert.equal(await run('bun-worker', { cwd }), '');
    await watchers.assertAllSee();
  },

  async 'bun-worker gets an answer from its thread'(t) {
    const expression = 'await new Promise((resolve) => { worker.onmessage = ({ data }) => resolve(data); })';
    assert.deepEqual(await evaluate('bun-worker', expression, { cwd: t.tempDir() }), ['caching']);
  },
};

export default suite('the examples of the brief', { ...onEveryRuntime, ...(runtime.name === 'bun' && onBun) });
