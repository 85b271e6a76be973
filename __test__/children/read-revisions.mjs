// Reads the rows of revisions, which say more than the API: a line for each line with the path of a database. In a
// program of its own, since not every runtime has a SQLite.
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { openDatabase } from './other-sqlite.mjs';

createInterface({ input: process.stdin }).on('line', async (path) => {
  const database = await openDatabase(path);
  const features = database.all('SELECT bit, name FROM feature ORDER BY bit');
  const rows = database.all(
    `SELECT id, hex(record) AS record, hex(rollouts) AS rollouts, reason, actor, parent, restored_from AS restoredFrom,
       kind, CASE WHEN delta IS NOT NULL THEN hex(delta) END AS delta, ticket, printf('%016x', page_id) AS page FROM revision ORDER BY id`,
  );
  database.close();
  const answer = `${JSON.stringify({ features, rows })}\n`;
  for (let written = 0; written < answer.length;) written += writeSync(1, answer.slice(written));
});
