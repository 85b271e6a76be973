// @ts-check
import assert from 'node:assert/strict';
import { suite } from '../suite.mjs';

/**
 * What can go wrong in a case. FAULT says which one happens, between two harmless cases.
 *
 * @type {Record<string, import('../suite.mjs').Case>}
 */
const faults = {
  none() {},
  'failed assertion'() {
    assert.deepEqual({ a: 1 }, { a: 2 });
  },
  async 'rejection'() {
    throw new TypeError('boom');
  },
  async 'floating rejection'() {
    void Promise.reject(new Error('floating'));
    await new Promise((resolve) => setTimeout(resolve, 50));
  },
  async 'uncaught exception'() {
    setTimeout(() => {
      throw new Error('late');
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
  },
  async 'hang'() {
    await new Promise(() => {});
  },
  'endless loop'() {
    for (;;);
  },
  'failed cleanup'(t) {
    t.after(() => {
      throw new Error('cleanup');
    });
  },
  'clean exit'() {
    process.exit(0);
  },
  'crash'() {
    process.kill(process.pid, 'SIGSEGV');
    // Linux may deliver the signal to another thread, after kill() has returned here.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
  async 'child that dies'(t) {
    await t.spawn('process.exit(3)').line();
  },
  'handle left open'() {
    setInterval(() => {}, 1000);
  },
};

const fault = process.env.FAULT ?? 'none';

export default suite(
  'faults',
  {
    before() {},
    [fault]: faults[fault] ?? (() => assert.fail(`No fault "${fault}"`)),
    after() {},
  },
  { timeoutMs: 1000 },
);
