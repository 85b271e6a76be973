// @ts-check
// What configs say in the format of OpenMetrics, read by parsers that others have written: always by the one of the
// crate openmetrics-parser, and by the reference parser (https://pypi.org/project/prometheus-client) where Python has it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { inRoot } from '../../scripts/lib/paths.mjs';
import { run, runOrThrow } from '../../scripts/lib/process.mjs';
import { allRuntimes } from '../../scripts/lib/runtimes.mjs';
import { startServer } from './support/server.mjs';

const { runtimes } = await allRuntimes();
const directory = mkdtempSync(join(tmpdir(), '13byte-config-openmetrics-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const python = process.env.PYTHON ?? 'python3';
const hasReference = spawnSync(python, ['-c', 'import prometheus_client.openmetrics.parser']).status === 0;

/** @type {{ name: string, read: (files: string[]) => Promise<import('../../scripts/lib/process.mjs').RunResult> }[]} */
const parsers = [
  {
    name: 'openmetrics-parser',
    read: (files) =>
      run('cargo', ['run', '--quiet', '--no-default-features', '--example', 'openmetrics', '--', ...files]),
  },
];
if (hasReference) {
  const program = inRoot('__test__', 'package', 'support', 'read-openmetrics.py');
  parsers.push({ name: 'the reference parser', read: (files) => run(python, [program, ...files]) });
} else {
  process.stderr.write(
    `Not checked with the reference parser of OpenMetrics: ${python} has no prometheus_client (pip install prometheus-client)\n`,
  );
}

describe('the text of metricsText()', () => {
  before(async () => {
    for (const { id, path } of runtimes) {
      const own = join(directory, id);
      mkdirSync(own);
      await runOrThrow(path, [inRoot('__test__', 'package', 'support', 'expose.mjs'), own]);
      writeFileSync(join(own, 'served.txt'), await served(path, own));
    }
  });

  for (const { name, read } of parsers) {
    test(`is read by ${name}, from every runtime`, async () => {
      const files = texts();
      assert.equal(files.length, runtimes.length * 4);
      const { ok, output } = await read(files);
      assert.ok(ok, output);
      // As many families as there are descriptions: nothing was passed over.
      for (const file of files) {
        const families = readFileSync(file, 'utf8').match(/^# TYPE /gm)?.length;
        assert.ok(output.includes(`${file}: ${families} families`), output);
      }
    });

    test(`is more than ${name} lets pass`, async () => {
      const [file = ''] = texts();
      const text = readFileSync(file, 'utf8');
      const damaged = join(directory, 'damaged.txt');
      /** @type {Record<string, string>} */
      const damages = {
        'no end': text.replace('# EOF\n', ''),
        'a counter without _total': text.replace('config13byte_writes_total{', 'config13byte_writes{'),
        'no value': text.replace(/(config13byte_listeners\{.*\}) \d+/, '$1'),
        'an open label': text.replace('"} 1\n', '} 1\n'),
        'no last bucket': text.replace(/.*le="\+Inf".*\n/, ''),
      };
      for (const [damage, broken] of Object.entries(damages)) {
        assert.notEqual(broken, text, damage);
        writeFileSync(damaged, broken);
        assert.equal((await read([damaged])).ok, false, damage);
      }
    });
  }
});

function texts() {
  return runtimes.flatMap(({ id }) => {
    const own = join(directory, id);
    return readdirSync(own)
      .filter((name) => name.endsWith('.txt'))
      .map((name) => join(own, name));
  });
}

/**
 * What the example of a server says.
 *
 * @param {string} path of the runtime
 * @param {string} cwd
 */
async function served(path, cwd) {
  const server = await startServer(path, inRoot('examples', 'metrics', 'server.mjs'), cwd);
  try {
    const response = await fetch(server.address);
    assert.equal(response.headers.get('content-type'), 'application/openmetrics-text; version=1.0.0; charset=utf-8');
    return await response.text();
  } finally {
    assert.equal(await server.stop(), 0);
  }
}
