// Names come and go. `npm run soak` has three years of it.
import assert from 'node:assert/strict';
import { anySeed } from './children/random.mjs';
import { playYears } from './children/years.mjs';
import { suite } from './harness/suite.mjs';
import { allRuntimes } from '../scripts/lib/runtimes.mjs';

export default suite(
  'years',
  {
    async 'two quarters of releases: no name is mistaken for another, and after a full stop each has a bit'(t) {
      const { runtimes } = await allRuntimes();
      const other = runtimes.find(({ name }) => name !== t.runtime.name);
      const counts = await playYears({
        directory: t.tempDir(),
        releases: 13,
        perQuarter: 6,
        names: 360,
        listed: 200,
        paths: [process.execPath, ...(other ? [other.path] : [])],
        processes: 3,
        changes: 4,
        seed: anySeed(),
        after: t.after,
      });
      assert.ok(counts.stops === 2 && counts.without > 0 && counts.retired > 100, JSON.stringify(counts));
    },
  },
  { timeoutMs: 60_000 },
);
