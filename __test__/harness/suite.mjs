// @ts-check

/**
 * @typedef {import('./context.mjs').TestContext} TestContext
 *
 * @typedef {(t: TestContext) => void | Promise<void>} Case
 *
 * @typedef {object} SuiteOptions
 * @property {number} [timeoutMs] for each case, 60 s by default
 *
 * @typedef {object} Suite
 * @property {string} name
 * @property {Readonly<Record<string, Case>>} cases
 * @property {Required<SuiteOptions>} options
 */

/**
 * Describes a spec file's cases without registering them, since it depends on the mode who
 * registers them and where they run: see `specs.test.mjs`.
 *
 *     export default suite('flags', {
 *       'enables a feature by name'(t) { … },
 *     });
 *
 * @param {string} name
 * @param {Record<string, Case>} cases
 * @param {SuiteOptions} [options]
 * @returns {Suite}
 */
export function suite(name, cases, { timeoutMs = 60_000 } = {}) {
  return { name, cases, options: { timeoutMs } };
}
