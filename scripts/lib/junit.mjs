// @ts-check

/**
 * @typedef {object} TestCase
 * @property {string} name
 * @property {'passed' | 'failed' | 'skipped'} outcome
 */

/**
 * The test cases of a JUnit report as Node's and Bun's runners write it. Not a general XML
 * parser: markup characters in text are escaped by both, so it only has to find the tags.
 *
 * @param {string} xml
 * @returns {TestCase[]}
 */
export function parseJunit(xml) {
  if (!xml.trimEnd().endsWith('</testsuites>')) throw new Error('The JUnit report is cut off');
  /** @type {TestCase[]} */
  const cases = [];
  // Node leaves `>` alone in attribute values, hence the quotes in the pattern.
  for (const [, tag, attributes = ''] of xml.matchAll(/<(\w+)((?:\s+[\w:-]+="[^"]*")*)\s*\/?>/g)) {
    const current = cases.at(-1);
    if (tag === 'testcase') {
      const name = / name="([^"]*)"/.exec(attributes)?.[1] ?? '';
      cases.push({ name: unescape(name), outcome: 'passed' });
    } else if (current && (tag === 'failure' || tag === 'error')) {
      current.outcome = 'failed';
    } else if (current && tag === 'skipped') {
      current.outcome = 'skipped';
    }
  }
  return cases;
}

/** @param {string} text */
function unescape(text) {
  /** @type {Record<string, string>} */
  const characters = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text.replace(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal) return String.fromCodePoint(Number(decimal));
    return characters[name] ?? whole;
  });
}
