import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { createProductionConfig } from '13byte-config';
import { conforming, database, failure, print, production, start } from './harness/command-line.mjs';
import { endedWellBy } from './harness/posix.mjs';
import { ownStderr } from './harness/stderr.mjs';
import { suite } from './harness/suite.mjs';

export default suite('command line: watch', {
  async 'each change is a line of JSON, and Ctrl-C stops it well'(t) {
    const persistPath = await database(t);
    const watcher = start(t, ['watch', '--json', ...production(persistPath)]);
    const closed = once(watcher, 'close');
    const lines = createInterface({ input: watcher.stdout })[Symbol.asyncIterator]();
    const next = async () => {
      const { at, ...record } = conforming('watch', (await lines.next()).value);
      assert.ok(Math.abs(Date.now() - Date.parse(at)) < 60_000, at);
      return record;
    };
    const { features, ...first } = await next();
    assert.deepEqual(first, {
      type: 'watching',
      database: persistPath,
      cluster: null,
      environment: 'production',
      live: false,
      terminal: { mode: 1, modeName: 'cooked', rows: 30, cols: 90 },
    });
    assert.deepEqual(
      features.filter(({ enabled }) => enabled).map(({ name }) => name),
      ['metrics', 'maintenance_mode'],
    );
    // A program that starts later shares the state that is watched.
    const config = createProductionConfig({ persistPath, environment: 'production', enableClusterSync: true });
    t.after(() => config.close());
    config.update((draft) => {
      draft.enable('debug');
      draft.disable('metrics');
    });
    const { generation, ...flips } = await next();
    assert.deepEqual(flips, {
      type: 'change',
      enabled: ['debug'],
      disabled: ['metrics'],
      rollouts: {},
      terminal: null,
      changes: ['+debug', '-metrics'],
    });
    assert.ok(generation > 0);
    config.setRollout('beta_feature', 10);
    const { rollouts, changes } = await next();
    assert.deepEqual([rollouts, changes], [{ beta_feature: { from: 100, to: 10 } }, ['beta_feature 100% → 10%']]);
    config.setTerminalSettings(2, 50, 120);
    const { terminal, changes: lastLines } = await next();
    assert.deepEqual(terminal, { from: { mode: 1, rows: 30, cols: 90 }, to: { mode: 2, rows: 50, cols: 120 } });
    assert.deepEqual(lastLines, ['terminal cooked 30x90 → raw 50x120']);
    watcher.kill('SIGINT');
    assert.deepEqual([await closed, (await lines.next()).done], [endedWellBy('SIGINT'), true]);
  },

  async 'for people it says on stderr that it waits'(t) {
    const persistPath = await database(t);
    const watcher = start(t, ['watch', ...production(persistPath)]);
    const closed = once(watcher, 'close');
    const notes = createInterface({ input: watcher.stderr })[Symbol.asyncIterator]();
    assert.equal((await notes.next()).value, `Watching ${persistPath}, environment production. Ctrl-C stops it`);
    const lines = createInterface({ input: watcher.stdout })[Symbol.asyncIterator]();
    await print(t, ['disable', 'maintenance_mode', ...production(persistPath)]);
    assert.match((await lines.next()).value, /^\d{4}-\d\d-\d\dT[\d:.]{12}Z\t-maintenance_mode$/);
    watcher.kill('SIGTERM');
    assert.deepEqual(await closed, endedWellBy('SIGTERM'));
  },

  async 'whoever reads it may have enough of it'(t) {
    const persistPath = await database(t);
    const watcher = start(t, ['watch', '--json', ...production(persistPath)]);
    const closed = once(watcher, 'close');
    const complaints = text(watcher.stderr);
    await once(watcher.stdout, 'data');
    watcher.stdout.destroy();
    await print(t, ['disable', 'maintenance_mode', ...production(persistPath)]);
    assert.deepEqual([await closed, ownStderr(await complaints)], [[0, null], '']);
  },

  async 'what is not there cannot be watched'(t) {
    const persistPath = await database(t);
    assert.equal((await failure(t, 3, ['watch', '--db', `${persistPath}.not`])).code, 'ERR_STORE_NOT_FOUND');
    assert.equal(
      (await failure(t, 3, ['watch', '--db', persistPath, '--env', 'nowhere'])).code,
      'ERR_ENVIRONMENT_NOT_FOUND',
    );
    assert.equal((await failure(t, 3, ['watch', '--cluster', `nobody-${process.pid}`])).code, 'ERR_NOT_LIVE');
  },
});
