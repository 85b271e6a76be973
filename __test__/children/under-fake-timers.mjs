// Uses a config while timers are faked, from before or from after the package was loaded.
import { join } from 'node:path';
import { fake, restore, within } from './fake-timers.mjs';

const [how, when, directory] = process.argv.slice(-3);
if (when === 'before') fake(how);
const { createProductionConfig } = await import('13byte-config');
if (when === 'after') fake(how);

const options = { persistPath: join(directory, 'config.db'), autoPersist: { debounceMs: 1 } };
const config = createProductionConfig(options);
config.ref();
const changed = config.changes();
const next = changed.next();
const heard = new Promise((resolve) => {
  config.once('change', resolve);
});
config.enableFeature('debug');
await within(heard, 'on()');
await within(next, 'changes().next()');
await within(changed.return(), 'changes().return()');
const { length } = await within(Promise.all([config.persist('one'), config.persist('two')]), 'persist()');
const { commits } = config.getMetrics().store;
if (commits.revisions - length > 1 || commits.count > 2)
  throw new Error(`${commits.count} transactions for ${length} persists`);
await within(config.verify(), 'verify()');
await within(config.backup(join(directory, 'backup.db')), 'backup()');
const { status } = await within(config.healthCheck(), 'healthCheck()');
if (status !== 'ok') throw new Error(`health ${status}`);
// Faked from the beginning by all means there are, no timer is real. What close() does needs none.
if (when === 'after' || how !== 'modules') {
  config.enableFeature('metrics');
  const isWritten = async () => (await config.getHistory(1))[0].changes.includes('+metrics');
  await within(
    (async () => {
      while (!(await isWritten()));
    })(),
    'an automatic persist',
  );
}
config.enableFeature('verbose');
await within(config.close(), 'close()');
restore();

const again = createProductionConfig(options);
if (!again.isFeatureEnabled('verbose')) throw new Error('close() has not persisted what was pending');
await again.persist('afterwards');
await again.close();
