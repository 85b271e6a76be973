// Does one thing over and over, after it has said that it is ready, until it is killed. `look` and `last` say what they
// find, and end.
import { writeSync } from 'node:fs';
import { createProductionConfig } from '13byte-config';
import { readLiveFile } from './peers.mjs';

const { what, options, revisions, round, index } = JSON.parse(process.argv[2]);
const print = (line) => writeSync(1, `${line}\n`);

const tasks = {
  async flip(config) {
    print('ready');
    for (;;) config.toggleFeature('c');
  },
  async rollback(config) {
    for (let step = 0; ; step += 1) {
      await config.rollback(revisions[step % 2]);
      if (step === 2) print('ready');
    }
  },
  /** Live files that nobody has: this process is the one that fills each. */
  async open() {
    print('ready');
    for (let step = 0; ; step += 1) createProductionConfig({ ...options, environment: `kills-${round}-${step}` });
  },
  async persist(config) {
    for (let step = 0; ; step += 1) {
      config.toggleFeature(index === 0 ? 'a' : 'b');
      config.rows = (step % 255) + 1;
      await config.persist(`${round}.${index}.${step}`);
      if (step % 3 === 2) await config.rollback();
      if (step === 0) print('ready');
    }
  },
  async look(config) {
    print(config.toHex());
    await config.close();
  },
  async last(config) {
    const live = config.toHex();
    const { isUnfinished } = readLiveFile(`${options.persistPath}-live-${options.environment}`);
    await config.load();
    print(JSON.stringify({ live, last: config.toHex(), isUnfinished, errors: config.validate().errors }));
    await config.close();
  },
};

await tasks[what](createProductionConfig(options));
