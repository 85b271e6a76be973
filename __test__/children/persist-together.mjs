// Persists in groups, with a rollback or a promotion now and then, as one of several processes that do the same to one
// database, until it is killed. Prints each revision with its digest as soon as its promise has resolved, in one write
// for each: what was printed must survive.
import { writeSync } from 'node:fs';
import { createProductionConfig } from '13byte-config';

const { options, index } = JSON.parse(process.argv[2]);
const config = createProductionConfig({ ...options, actor: `process ${index}` });
const acknowledge = ({ revision, digest }) => writeSync(1, `${revision} ${digest}\n`);

for (let step = 0; ; step += 1) {
  const group = Array.from({ length: 1 + (step % 5) }, async (_, member) => {
    config.toggleFeature(member % 2 === 0 ? 'a' : 'b');
    config.setTerminalSettings(member % 4, (step % 255) + 1, index + 1);
    acknowledge(await config.persist(`step ${step}.${member}`));
  });
  await Promise.all(group);
  if (step % 4 === 3) acknowledge(await config.rollback());
  if (step % 7 === 6 && options.environment !== 'shared') {
    await config.promote('shared').then(acknowledge, (error) => {
      // The others may not have persisted anything yet.
      if (error.code !== 'ERR_NOTHING_TO_PROMOTE') throw error;
    });
  }
}
