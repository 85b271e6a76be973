// A process that sets the terminal to the ones it was given, in turn, until the feature `done` is on; or that reads it a
// number of times.
import { writeSync } from 'node:fs';
import { createProductionConfig } from '13byte-config';

const { options, write, reads } = JSON.parse(process.argv[2]);
const config = createProductionConfig(options);

if (write) {
  writeSync(1, 'ready\n');
  let writes = 0;
  for (; !config.isFeatureEnabled('done'); writes += 1) config.setTerminalSettings(...write[writes % write.length]);
  writeSync(1, `${JSON.stringify({ writes })}\n`);
} else {
  let [mixed, changes, last] = [0, 0, 0];
  const count = (mode, rows, cols) => {
    const one = mode === 1 && rows === 11 && cols === 11;
    const other = mode === 2 && rows === 222 && cols === 222;
    if (!one && !other) mixed += 1;
    if (mode !== last) changes += 1;
    last = mode;
  };
  for (let read = 0; read < reads; read += 1) {
    if (read % 2 === 0) {
      const { mode, rows, cols } = config.getTerminalSettings();
      count(mode, rows, cols);
    } else {
      const bytes = config.toBytes();
      count(bytes[9], bytes[10], bytes[11]);
    }
  }
  writeSync(1, `${JSON.stringify({ reads, mixed, changes })}\n`);
}
await config.close();
