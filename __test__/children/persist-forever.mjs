// Persists one state after the other, and prints each revision with its state as soon as its promise has resolved:
// what was printed must survive whatever happens next.
import { writeSync } from 'node:fs';
import { createProductionConfig } from '13byte-config';

const config = createProductionConfig({ persistPath: process.argv.at(-1) });

for (let step = 0; ; step += 1) {
  config.update((draft) => {
    draft.set('debug', step % 2 === 0);
    draft.terminal(step % 4, (step % 255) + 1, ((step * 7) % 255) + 1);
  });
  const { revision, configHex } = await config.persist(`step ${step}`);
  writeSync(1, `${revision} ${configHex}\n`);
}
