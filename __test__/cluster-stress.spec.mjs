import { flipTogether, mixTerminals } from './children/stress.mjs';
import { suite } from './harness/suite.mjs';
import { allRuntimes } from '../scripts/lib/runtimes.mjs';

// The long versions are `npm run soak`.
export default suite('stress in a cluster', {
  async 'processes of two runtimes flip their own features at once, and lose none'(t) {
    await flipTogether({ directory: t.tempDir(), paths: await mixed(), threads: 2, flips: 20_001, after: t.after });
  },

  async 'processes of two runtimes set the terminal at once, and nobody reads half of each'(t) {
    const paths = await mixed();
    await mixTerminals({
      directory: t.tempDir(),
      writers: paths,
      readers: [process.execPath],
      reads: 200_000,
      after: t.after,
    });
  },
});

/** This runtime, and one of the other kind where there is one. */
async function mixed() {
  const { runtimes } = await allRuntimes();
  const kind = process.versions.bun ? 'node' : 'bun';
  const other = runtimes.findLast(({ name }) => name === kind);
  return [process.execPath, other?.path ?? process.execPath];
}
