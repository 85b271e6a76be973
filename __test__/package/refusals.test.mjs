// Errors that no sound machine gives: the public API in a process whose system refuses one thing.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createProductionConfig } from '13byte-config';
import { addonFile } from '../../scripts/lib/addon.mjs';

const PACKAGE = JSON.stringify(new URL('../../types/index.mjs', import.meta.url).href);
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

/** A process that makes whole-state changes and registers features, beside another one that does the same. */
const SHARING = `
  import { createProductionConfig } from ${PACKAGE};
  const [persistPath, number] = process.argv.slice(1);
  const open = (features) => createProductionConfig({ persistPath, enableClusterSync: true, ...(features && { features }) });
  const config = open();
  const { revision } = await config.persist('first');
  let restored = 0;
  for (let round = 0; round < 25; round += 1) {
    config.toggleFeature('debug');
    await config.persist('flipped');
    await config.rollback(revision);
    await config.load();
    restored += 2;
    if (round % 5 === 0) await open(['from_' + number + '_' + round / 5]).close();
  }
  await config.close();
  console.log(restored + ' restored');
`;

// The functions of other systems have other names, and take other ways.
if (process.platform === 'linux') {
  suite('what the system refuses', () => {
    /** @type {string} */
    let directory;
    before(() => {
      directory = mkdtempSync(join(tmpdir(), '13byte-config-refusals-'));
      execFileSync('cc', [
        '-shared',
        '-fPIC',
        '-O1',
        '-o',
        join(directory, 'refuse.so'),
        fileURLToPath(new URL('./support/refuse.c', import.meta.url)),
        '-ldl',
      ]);
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

    test('fstatfs: doctor names the file system, and changes nothing', () => {
      const place = mkdtempSync(join(directory, 'doctor-'));
      writeFileSync(join(place, 'config.db'), 'no database');
      const program = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url));
      const { status, stdout } = spawnSync(process.execPath, [program, 'doctor', '--db', 'config.db', '--json'], {
        cwd: place,
        env: { ...process.env, LD_PRELOAD: join(directory, 'refuse.so'), REFUSE: 'fstatfs' },
        encoding: 'utf8',
      });
      assert.equal(status, 4);
      const { checks } = JSON.parse(stdout);
      const found = checks.find((/** @type {{ name: string }} */ { name }) => name === 'file-system');
      assert.deepEqual([found.status, found.fix], ['failed', 'Put the database on a local disk']);
      assert.match(found.message, /is on NFS, /);
      assert.deepEqual(readdirSync(place), ['config.db']);
    });

    for (const answer of ['EINVAL', 'EPERM']) {
      test(`locks of open file descriptions: ${answer}, and those of processes take their place`, async () => {
        const env = {
          ...process.env,
          LD_PRELOAD: join(directory, 'refuse.so'),
          REFUSE: `fcntl:${answer}`,
          NODE_ENV: 'development',
        };
        const children = [1, 2].map((number) =>
          spawn(process.execPath, ['--input-type=module', '-e', SHARING, `${answer}.db`, `${number}`], {
            cwd: directory,
            env,
            stdio: ['ignore', 'pipe', 'inherit'],
          }),
        );
        const outputs = await Promise.all(children.map(({ stdout }) => text(stdout)));
        for (const output of outputs) assert.equal(output.trim(), '50 restored');
        const config = createProductionConfig({
          persistPath: join(directory, `${answer}.db`),
          enableClusterSync: true,
        });
        try {
          // Both have registered names while the other one did, and none was written over another one's.
          const names = config.getFeatureNames().filter((name) => name.startsWith('from_'));
          assert.deepEqual(
            names.toSorted(),
            [1, 2].flatMap((number) => [0, 1, 2, 3, 4].map((count) => `from_${number}_${count}`)),
          );
          assert.equal((await config.verify()).ok, true);
        } finally {
          await config.close();
        }
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
    assert.equal(outcome(() => store.path).code, 'ERR_RUNTIME');
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
