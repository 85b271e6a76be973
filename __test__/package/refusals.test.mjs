// Errors that no sound machine gives: the public API in a process whose system refuses one thing.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { addonFile } from '../../scripts/lib/addon.mjs';

const PACKAGE = JSON.stringify(new URL('../../index.mjs', import.meta.url).href);
const REFUSALS = [
  {
    code: 'ERR_RANDOM',
    refused: 'getrandom',
    run: 'createProductionConfig();',
    message: /^The operating system gave no random bytes for a page id: /,
  },
  {
    code: 'ERR_THREAD',
    refused: 'pthread_create',
    run: "createProductionConfig({ persistPath: 'config.db' });",
    message: /^Cannot start the thread of the store: /,
  },
  {
    code: 'ERR_LIVE_FILE_REMOTE',
    refused: 'fstatfs',
    run: "createProductionConfig({ persistPath: 'config.db', enableClusterSync: true });",
    message: /config\.db-live-development is on a network file system/,
  },
];

// The functions of other systems have other names, and take other ways.
if (process.platform === 'linux') {
  suite('what the system refuses', () => {
    /** @type {string} */
    let directory;
    before(() => {
      directory = mkdtempSync(join(tmpdir(), '13byte-config-refusals-'));
      execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', join(directory, 'refuse.so'), fileURLToPath(new URL('./support/refuse.c', import.meta.url)), '-ldl']);
    });
    after(() => rmSync(directory, { recursive: true, force: true }));

    for (const { code, refused, run, message } of REFUSALS) {
      test(`${refused}: ${code}`, () => {
        const source = `
          import { createProductionConfig, ConfigError } from ${PACKAGE};
          process.chdir(${JSON.stringify(directory)});
          process.env.NODE_ENV = 'development';
          const attempt = () => { ${run} };
          process.env.REFUSE = ${JSON.stringify(refused)};
          let error;
          try { attempt(); } catch (thrown) { error = thrown; }
          delete process.env.REFUSE;
          attempt();
          console.log(JSON.stringify({ code: error?.code, message: error?.message, isOurs: error instanceof ConfigError }));
        `;
        const output = execFileSync(process.execPath, ['--input-type=module', '-e', source], {
          env: { ...process.env, LD_PRELOAD: join(directory, 'refuse.so') },
          encoding: 'utf8',
        });
        const error = JSON.parse(output);
        assert.equal(error.code, code);
        assert.match(error.message, message);
        assert.equal(error.isOurs, true, 'and the same works when it is not refused');
      });
    }
  });
}

// Only a fault of this package could ask the addon for these, so they go past the package.
const native = createRequire(import.meta.url)(addonFile());

test('a page that the addon does not have: ERR_PAGE_NOT_OPEN', () => {
  for (const handle of [7, 2 ** 31 + 7, 2 ** 32 - 1]) {
    assert.equal(outcome(() => native.pageFeatures(handle)).code, 'ERR_PAGE_NOT_OPEN');
  }
});

test('a store that was closed: ERR_RUNTIME', async () => {
  const directory = mkdtempSync(join(tmpdir(), '13byte-config-refusals-'));
  try {
    const store = native.NativeStore.open(join(directory, 'config.db'), false, false);
    await store.close();
    assert.equal(outcome(() => store.commits).code, 'ERR_RUNTIME');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

/** Some functions of the addon throw, others return what failed. */
function outcome(call) {
  try {
    return call();
  } catch (error) {
    return error;
  }
}
