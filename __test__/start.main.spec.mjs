// What a program loads when it starts, each in a process of its own, where nothing was loaded before.
import assert from 'node:assert/strict';
import { startChild } from './harness/child.mjs';
import { suite } from './harness/suite.mjs';

const HEAD = `
  import assert from 'node:assert/strict';
  import { createRequire } from 'node:module';
  import { createProductionConfig } from '13byte-config';
  const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((file) => file.endsWith('on-demand.cjs'));
  const config = createProductionConfig();
`;

export default suite('start', {
  async 'features, terminal and rollouts do without the second file'(t) {
    await run(
      t,
      `
      config.enableFeature('debug');
      config.toggleFeature('metrics');
      config.setRollout('beta_feature', 50);
      assert.equal(config.feature('debug').enabled, true);
      config.isFeatureEnabledFor('beta_feature', 'user-1');
      config.setTerminalSettings(2, 50, 120);
      config.update((draft) => draft.enable('logging'));
      assert.deepEqual(config.getEnabledFeatures(), ['debug', 'metrics', 'logging']);
      assert.equal(config.toBytes().length, 13);
      assert.equal(config.getCore().terminalRows, 50);
      assert.equal(config.listenerCount('change'), 0);
      await config.close();
      assert.equal(loaded(), false);
    `,
    );
  },

  async 'a view loads them'(t) {
    await run(
      t,
      `
      assert.equal(loaded(), false);
      config.getDebugView();
      assert.equal(loaded(), true);
    `,
    );
  },

  async 'a config is an instance of EventEmitter before it was used as one'(t) {
    for (const question of [
      'config instanceof EventEmitter',
      'EventEmitter.prototype.isPrototypeOf(config)',
      "typeof config.emit === 'function'",
      "'emit' in config",
      'config.eventNames().length === 0',
      'Object.create(config) instanceof EventEmitter',
      "String(config) === '[object Object]'",
    ]) {
      await run(
        t,
        `
        const { EventEmitter } = await import('node:events');
        assert.ok(${question});
        let changes = 0;
        config.on('change', () => { changes += 1; });
        config.enableFeature('debug');
        while (changes === 0) await new Promise((resolve) => setImmediate(resolve));
        await config.close();
      `,
      );
    }
  },

  async 'a property of a user stays a property of that config'(t) {
    await run(
      t,
      `
      config.note = 'mine';
      assert.deepEqual(Object.keys(config), ['note']);
      assert.equal(createProductionConfig().note, undefined);
    `,
    );
  },

  async 'there is no other way to make a config'(t) {
    await run(
      t,
      `
      const { ProductionConfig } = await import('13byte-config');
      for (const make of [() => new ProductionConfig(), () => new ProductionConfig({}), () => Reflect.construct(ProductionConfig, [])]) {
        assert.throws(make, { code: 'ERR_INVALID_TYPE', message: 'Use createProductionConfig() to create a config' });
      }
    `,
    );
  },
});

async function run(t, body) {
  const child = startChild(`${HEAD}\n${body}\nconsole.log('done');`);
  t.after(() => child.kill());
  const exit = await child.exited;
  assert.equal(exit.code, 0, exit.stderr);
  assert.equal(await child.line(), 'done');
}
