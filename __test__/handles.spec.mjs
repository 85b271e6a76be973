import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { attachConfig, createProductionConfig } from '13byte-config';
import { leavesDirectory, makeUp, prepare, seeded } from '../fuzz/handles.mjs';
import { suite } from './harness/suite.mjs';

const CORPUS = new URL('../fuzz/corpus/handle/', import.meta.url);

/** What `npm run fuzz` does for ten minutes and more. */
const MADE_UP = 300;

export default suite('handles', {
  async 'whatever a handle holds, it is attached to or refused with a code'(t) {
    const { check, end } = prepare(t.tempDir());
    t.after(end);
    const corpus = readdirSync(CORPUS).map((name) => JSON.parse(readFileSync(new URL(name, CORPUS), 'utf8')));
    const random = seeded(4711);
    const inputs = [...corpus, ...Array.from({ length: MADE_UP }, () => makeUp(random))].filter(
      (input) => !leavesDirectory(input),
    );
    const outcomes = new Set(inputs.map((input) => check(input)));
    assert.ok(corpus.length >= 10 && inputs.length > MADE_UP / 2);
    for (const outcome of ['attached', 'ERR_STALE_HANDLE', 'ERR_INVALID_TYPE', 'ERR_INVALID_VALUE']) {
      assert.ok(outcomes.has(outcome), `${outcome} among ${[...outcomes].join(', ')}`);
    }
  },

  'a handle has all that a config needs'(t) {
    const config = createProductionConfig({ environment: 'test' });
    t.after(() => config.close());
    for (const key of ['environment', 'features', 'enableClusterSync', 'readOnly']) {
      const { [key]: _, ...handle } = config.share();
      assert.throws(() => attachConfig(handle), {
        name: 'TypeError',
        code: 'ERR_INVALID_TYPE',
        message: new RegExp(`Invalid ${key}`),
      });
    }
  },

  'a handle is read once'(t) {
    const config = createProductionConfig({ environment: 'test', features: ['a', 'b'] });
    t.after(() => config.close());
    const reads = {};
    const handle = new Proxy(config.share(), {
      get(target, key, receiver) {
        reads[key] = (reads[key] ?? 0) + 1;
        return Reflect.get(target, key, receiver);
      },
    });
    const attached = attachConfig(handle);
    t.after(() => attached.close());
    assert.deepEqual(attached.getFeatureNames(), ['a', 'b']);
    assert.deepEqual(
      Object.entries(reads).filter(([, count]) => count > 1),
      [],
    );
  },
});
