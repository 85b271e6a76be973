// A process that uses a config as it is told, with a line for each command and each answer.
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { makePeer } from './peer-commands.mjs';
import { startThread } from './peers.mjs';

const run = makePeer(startThread);

createInterface({ input: process.stdin }).on('line', async (line) => {
  const answer = `${JSON.stringify(await run(JSON.parse(line)))}\n`;
  for (let written = 0; written < answer.length;) written += writeSync(1, answer.slice(written));
});
