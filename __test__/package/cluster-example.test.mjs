// @ts-check
// The cluster example, on every runtime.
import { describe } from 'node:test';
import { makeExample, testLook } from './support/examples.mjs';

describe('the cluster example', () => {
  testLook(makeExample('cluster', [/All 12 checks hold/, /ended by SIGKILL/]));
});
