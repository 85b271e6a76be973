// A program whose files may not grow beyond 400 KB, so that the database's log soon has no space. It persists until that is
// refused, looks whether the live state works, and persists again.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createProductionConfig } from '13byte-config';

const persistPath = process.argv.at(-1);

if (process.env.LIMITED) await persist();
else limit();

/** Only a shell can set the limit, which counts blocks of 512 bytes. Without the trap, the signal would end the process. */
function limit() {
  const { status } = spawnSync(
    'sh',
    [
      '-c',
      'ulimit -S -f 800 && trap \'\' XFSZ && exec "$0" "$@"',
      process.execPath,
      fileURLToPath(import.meta.url),
      persistPath,
    ],
    {
      env: { ...process.env, LIMITED: 'yes' },
      stdio: 'inherit',
    },
  );
  process.exitCode = status ?? 1;
}

async function persist() {
  const config = createProductionConfig({ persistPath, features: ['a', 'b'], environment: 'production' });
  const acknowledged = [];
  const refused = [];
  for (let number = 1; refused.length === 0; number += 1) {
    assert.ok(number < 1000, 'the limit is not in effect');
    config.setFeature('a', number % 2 === 1);
    const reason = `${number} ${'x'.repeat(900)}`;
    await config.persist(reason).then(
      () => acknowledged.push(reason),
      ({ name, code }) => refused.push({ name, code }),
    );
  }
  config.enableFeature('b');
  assert.equal(config.isFeatureEnabled('b'), true);
  // The store has moved the log into the database, which leaves room in it.
  for (const reason of ['after that', 'and on']) {
    await config.persist(reason);
    acknowledged.push(reason);
  }
  await config.close();
  writeSync(1, `${JSON.stringify({ acknowledged, refused })}\n`);
}
