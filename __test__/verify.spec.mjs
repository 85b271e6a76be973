import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProductionConfig } from '13byte-config';
import { suite } from './harness/suite.mjs';

export default suite('verify', {
  async 'a history that nobody touched is whole, in all environments'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const staging = open(t, { persistPath, environment: 'staging' });
    const config = open(t, { persistPath, environment: 'production' });
    assert.deepEqual(await config.verify(), { ok: true, revisions: 0, head: null, environments: [], problems: [] });
    const first = await staging.persist('first');
    await config.persist('second');
    config.enableFeature('debug');
    await config.persist('third');
    const last = await config.rollback();
    assert.deepEqual(await config.verify(), {
      ok: true,
      revisions: 4,
      head: last.digest,
      environments: [
        { environment: 'production', revisions: 3, pruned: 0, head: last.digest },
        { environment: 'staging', revisions: 1, pruned: 0, head: first.digest },
      ],
      problems: [],
    });
    assert.equal((await staging.verify()).head, first.digest);
  },

  async 'a digest that was kept elsewhere must be in the chain'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath, environment: 'production' });
    const [first, second] = [await config.persist('one'), await config.persist('two')];
    for (const { digest } of [first, second]) assert.equal((await config.verify({ expectedHead: digest })).ok, true);
    const unknown = 'ab'.repeat(32);
    const { ok, firstBroken, problems, head } = await config.verify({ expectedHead: unknown });
    assert.deepEqual({ ok, firstBroken, head }, { ok: false, firstBroken: undefined, head: second.digest });
    assert.equal(problems.length, 1);
    assert.equal(problems[0].environment, 'production');
    assert.match(problems[0].problem, new RegExp(`expected digest ${unknown}`));
  },

  async 'an edited byte is found, and the revision named'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath, environment: 'production', actor: 'tester' });
    for (const reason of ['one', 'approved by alice', 'three']) await config.persist(reason);
    await config.close();
    replace(persistPath, 'approved by alice', 'approved by malice'.slice(0, 17));
    const again = open(t, { persistPath, environment: 'production' });
    const { ok, firstBroken, problems } = await again.verify();
    assert.equal(ok, false);
    assert.deepEqual(firstBroken, problems[0]);
    assert.equal(firstBroken.revision, 2);
    assert.equal(firstBroken.environment, 'production');
    assert.match(firstBroken.problem, /^its digest does not fit: it was edited/);
    // It is a report and not a failure: the config works.
    assert.equal((await again.persist('four')).revision, 4);
  },

  async 'a history that was put back to an earlier one is found by the digest of its end'(t) {
    const directory = t.tempDir();
    const [persistPath, earlier] = [join(directory, 'config.db'), join(directory, 'earlier.db')];
    const config = open(t, { persistPath });
    await config.persist('one');
    await config.close();
    copyFileSync(persistPath, earlier);
    const next = open(t, { persistPath });
    const { digest } = await next.persist('two');
    await next.close();
    const cut = open(t, { persistPath: earlier });
    assert.equal((await cut.verify()).ok, true, 'by itself it is whole');
    assert.equal((await cut.verify({ expectedHead: digest })).ok, false);
  },

  async 'progress is told while persists go on, and closing waits for the end'(t) {
    const config = open(t, { persistPath: join(t.tempDir(), 'config.db') });
    const count = 2000;
    await Promise.all(Array.from({ length: count }, () => config.persist()));
    const progress = [];
    const persists = [];
    const verified = config.verify({
      onProgress(step) {
        progress.push(step);
        if (persists.length === 0) persists.push(config.persist('meanwhile'));
      },
    });
    const { ok, revisions } = await verified;
    assert.deepEqual({ ok, revisions }, { ok: true, revisions: count });
    assert.ok(progress.length >= 3, `${progress.length} steps`);
    assert.deepEqual(progress.at(-1), { done: count, total: count });
    progress.reduce((before, { done, total }) => {
      assert.ok(done >= before && done <= total);
      return done;
    }, 0);
    assert.equal((await persists[0]).revision, count + 1);

    const settled = [];
    const last = config.verify().then(() => settled.push('verified'));
    await config.close().then(() => settled.push('closed'));
    await last;
    assert.deepEqual(settled, ['verified', 'closed']);
  },

  async 'it can be ended early'(t) {
    const config = open(t, { persistPath: join(t.tempDir(), 'config.db') });
    await config.persist();
    await assert.rejects(
      config.verify({ signal: AbortSignal.abort(new Error('never began')) }),
      /^Error: never began$/,
    );
    const controller = new AbortController();
    let steps = 0;
    const ended = config.verify({
      signal: controller.signal,
      onProgress() {
        steps += 1;
        controller.abort(new Error('enough'));
      },
    });
    await assert.rejects(ended, /^Error: enough$/);
    assert.equal(steps, 1);
    await assert.rejects(
      config.verify({
        onProgress() {
          throw new Error('mine');
        },
      }),
      /^Error: mine$/,
    );
    assert.equal((await config.verify()).ok, true);
  },

  async 'whoever only reads may check, too'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    await open(t, { persistPath }).persist();
    const reader = open(t, { persistPath, readOnly: true });
    const { ok, revisions } = await reader.verify();
    assert.deepEqual({ ok, revisions }, { ok: true, revisions: 1 });
  },

  async 'wrong arguments are refused'(t) {
    const config = open(t, { persistPath: join(t.tempDir(), 'config.db') });
    const type = { name: 'TypeError', code: 'ERR_INVALID_TYPE' };
    await assert.rejects(config.verify({ expectedHead: 7 }), type);
    await assert.rejects(config.verify({ onProgress: 'yes' }), type);
    await assert.rejects(config.verify({ signal: {} }), type);
    await assert.rejects(config.verify(null), type);
    await assert.rejects(config.verify({ deep: true }), { name: 'TypeError', code: 'ERR_UNKNOWN_OPTION' });
    const value = { name: 'RangeError', code: 'ERR_INVALID_VALUE' };
    for (const expectedHead of ['', 'ab', 'AB'.repeat(32), `${'ab'.repeat(32)}\n`]) {
      await assert.rejects(config.verify({ expectedHead }), value);
    }
    await assert.rejects(open(t, {}).verify(), { code: 'ERR_PERSISTENCE_DISABLED' });
  },
});

function open(t, options) {
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return config;
}

/** Edits a file that nobody has open. */
function replace(path, from, to) {
  const bytes = readFileSync(path);
  const at = bytes.indexOf(from);
  assert.ok(at > 0);
  assert.equal(from.length, to.length);
  bytes.write(to, at, 'latin1');
  writeFileSync(path, bytes);
}
