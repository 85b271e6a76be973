import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { suite } from './harness/suite.mjs';

export default suite('prune', {
  async 'the newest revisions stay as they were, and the chain stays whole'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const other = open(t, { persistPath, environment: 'staging' });
    await other.persist('not touched');
    const config = open(t, { persistPath, environment: 'production' });
    await persistTimes(config, 10);
    const before = await config.getHistory();
    const { freeBytes, head, ...rest } = await config.prune({ keep: 4, actor: 'cleaner' });
    assert.deepEqual(rest, { removed: 6, kept: 4, oldest: 8 });
    assert.ok(freeBytes >= 0);
    assert.deepEqual(await config.getHistory(), before.slice(0, 4), 'with what each of them changed');
    assert.deepEqual(await config.getHistory(9, { before: 8 }), []);
    assert.equal((await other.getHistory()).length, 1);

    const verification = await config.verify({ expectedHead: head });
    assert.deepEqual(verification.problems, []);
    assert.deepEqual(verification.environments[0], { environment: 'production', revisions: 4, pruned: 6, head });
    assert.notEqual(head, before[0].digest, 'the removal is a link of the chain');
    assert.equal((await config.verify({ expectedHead: before[0].digest })).ok, true, 'behind the last revision');
    const unknown = await config.verify({ expectedHead: before[9].digest });
    assert.match(unknown.problems[0].problem, /or that revision was pruned$/);
    assert.equal((await config.persist('goes on')).revision, 12);
    assert.equal((await config.verify({ expectedHead: head })).ok, true);

    const nothing = await config.prune({ keep: 1000 });
    assert.deepEqual({ removed: nothing.removed, kept: nothing.kept }, { removed: 0, kept: 5 });
    const empty = await open(t, { persistPath, environment: 'empty' }).prune({ keep: 1 });
    assert.deepEqual({ ...empty, freeBytes: 0 }, { removed: 0, kept: 0, oldest: null, head: null, freeBytes: 0 });
  },

  async 'going back works as far as revisions are left'(t) {
    const config = open(t, { persistPath: join(t.tempDir(), 'config.db'), environment: 'production' });
    await persistTimes(config, 5);
    assert.deepEqual((({ removed, oldest }) => ({ removed, oldest }))(await config.prune({ keep: 1 })), {
      removed: 3,
      oldest: 4,
    });
    const pruned = {
      name: 'ConfigError',
      code: 'ERR_REVISION_PRUNED',
      message:
        'Revision 2 is not in environment production any more: its revisions up to 3 were pruned (getHistory() lists those that are left)',
    };
    await assert.rejects(config.rollback(2), pruned);
    await assert.rejects(config.diff(2, 5), pruned);
    await assert.rejects(config.diff(5, 2), pruned);
    await assert.rejects(config.rollback(9), { code: 'ERR_REVISION_NOT_FOUND' });
    assert.equal((await config.rollback()).restoredFrom, 4);
    await assert.rejects(config.rollback(), { code: 'ERR_REVISION_PRUNED' });
    assert.equal(await config.load(), true);
    assert.equal(config.featureFlags, 4);
  },

  async 'a broken history is kept as it is'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath, environment: 'production', actor: 'somebody' });
    await persistTimes(config, 5);
    await config.close();
    const bytes = readFileSync(persistPath);
    bytes.write('change 7', bytes.indexOf('change 2'), 'latin1');
    writeFileSync(persistPath, bytes);
    const again = open(t, { persistPath, environment: 'production' });
    await assert.rejects(again.prune({ keep: 1 }), {
      name: 'ConfigError',
      code: 'ERR_HISTORY_BROKEN',
      message:
        /^The history of environment production is broken at revision 2: its digest does not fit: .* It was not pruned/,
    });
    assert.equal((await again.getHistory()).length, 5);
  },

  async 'progress is told, and it can be ended early'(t) {
    const config = open(t, { persistPath: join(t.tempDir(), 'config.db') });
    await persistTimes(config, 5);
    await assert.rejects(
      config.prune({ keep: 1, signal: AbortSignal.abort(new Error('never began')) }),
      /^Error: never began$/,
    );
    assert.equal((await config.getHistory()).length, 5);
    const progress = [];
    const pruned = config.prune({ keep: 2, onProgress: (step) => progress.push(step) });
    const closed = config.close();
    assert.equal((await pruned).removed, 3, 'although the config was closed meanwhile');
    await closed;
    assert.deepEqual(progress, [{ done: 3, total: 3 }]);
  },

  async 'wrong arguments are refused'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath });
    await config.persist();
    const type = { name: 'TypeError', code: 'ERR_INVALID_TYPE' };
    await assert.rejects(config.prune(), type);
    await assert.rejects(config.prune({}), type);
    await assert.rejects(config.prune({ keep: '5' }), type);
    await assert.rejects(config.prune({ keep: 1, actor: 5 }), type);
    await assert.rejects(config.prune({ keep: 1, onProgress: 5 }), type);
    await assert.rejects(config.prune({ keep: 1, older: true }), { name: 'TypeError', code: 'ERR_UNKNOWN_OPTION' });
    for (const keep of [0, -1, 1.5, 2 ** 32, Number.NaN]) {
      await assert.rejects(config.prune({ keep }), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
    }
    const reader = open(t, { persistPath, readOnly: true });
    await assert.rejects(reader.prune({ keep: 1 }), { code: 'ERR_READ_ONLY' });
    await assert.rejects(open(t, {}).prune({ keep: 1 }), { code: 'ERR_PERSISTENCE_DISABLED' });
  },
});

/** Revisions with reasons `change 1`, `change 2` and so on, and their numbers as flags. */
async function persistTimes(config, count) {
  for (let number = 1; number <= count; number += 1) {
    config.featureFlags = number;
    await config.persist(`change ${number}`);
  }
}

function open(t, options) {
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return config;
}
