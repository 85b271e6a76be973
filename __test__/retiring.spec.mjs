// Names that no program needs any more, and what becomes of their bits.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { attachConfig, createProductionConfig } from '13byte-config';
import { startProcess } from './children/peers.mjs';
import { suite } from './harness/suite.mjs';

const OTHERS = Array.from({ length: 254 }, (_, index) => `other_${index}`);

export default suite('retiring', {
  async 'a retired feature is hidden, and programs that still ask for it get its last value'(t) {
    const config = open(t, { ...database(t), features: ['a', 'old', 'b'] });
    config.enableFeature('a');
    config.setRollout('old', 25);
    await config.persist();
    const entry = await config.retireFeature('old', { reason: 'nobody needs it' });
    assert.deepEqual(
      [entry.revision, entry.kind, entry.changeReason, entry.changes],
      [2, 'commit', 'nobody needs it', []],
    );
    assert.deepEqual(config.getFeatureNames(), ['a', 'b']);
    assert.deepEqual(config.getDebugView().features, { enabled: ['a'], disabled: ['b'] });
    assert.deepEqual(config.getDebugView().rollouts, {});
    assert.deepEqual(Object.keys(config.getState().features), ['a', 'b']);
    assert.doesNotMatch(config.metricsText(), /old/);
    assert.throws(() => config.isFeatureEnabled('other'), { message: 'Unknown feature: other. Available: a, b' });

    assert.equal(config.isFeatureEnabled('old'), false);
    assert.equal(config.getRollout('old'), 25);
    assert.equal(config.enableFeature('old'), true);
    assert.equal(config.isFeatureEnabled('old'), true);
    assert.deepEqual(config.getEnabledFeatures(), ['a']);
    assert.equal(config.disableFeature('old'), true);
    const { bit, retired } = config.getFeatureInfo('old');
    assert.deepEqual([bit, retired, config.getFeatureInfo('b').bit], [1, true, 2]);
    const [{ retiredAt, ...rest }] = await config.getRetiredFeatures();
    assert.deepEqual(rest, { name: 'old', bit: 1 });
    assert.ok(retiredAt instanceof Date && Math.abs(Date.now() - retiredAt) < 60_000);
    assert.deepEqual(config.validate(), { isValid: true, errors: [] });

    const back = await config.reviveFeature('old');
    assert.deepEqual([back.changeReason, config.getFeatureNames()], ['revived old', ['a', 'old', 'b']]);
    assert.deepEqual(await config.getRetiredFeatures(), []);
    assert.equal((await config.verify()).ok, true);
  },

  async 'a program that lists it brings it back'(t) {
    const options = database(t);
    const config = open(t, { ...options, features: ['a', 'b', 'c'] });
    await config.retireFeature(['a', 'b']);
    assert.deepEqual(config.getFeatureNames(), ['c']);
    assert.deepEqual(open(t, options).getFeatureNames(), ['c']);
    assert.deepEqual(open(t, { ...options, features: ['c', 'a'] }).getFeatureNames(), ['a', 'c']);
    await config.getHistory();
    assert.deepEqual(config.getFeatureNames(), ['a', 'c']);
  },

  async 'a feature that is on anywhere is refused, unless it is forced'(t) {
    const options = database(t);
    const staging = open(t, { ...options, environment: 'staging', features: ['a', 'b'] });
    staging.enableFeature('b');
    await staging.persist();
    const config = open(t, { ...options, features: ['a', 'b'] });
    const refused = {
      name: 'ConfigError',
      code: 'ERR_FEATURE_ON',
      message: 'Features that are on are not retired: b (on in staging; switch them off there first, or use force)',
    };
    await assert.rejects(config.retireFeature(['a', 'b']), refused);
    config.enableFeature('a');
    await assert.rejects(config.retireFeature('a'), { code: 'ERR_FEATURE_ON', message: /on in the live state;/ });
    assert.deepEqual([await config.getRetiredFeatures(), await config.getHistory()], [[], []]);
    await config.retireFeature(['a', 'b'], { force: true });
    assert.deepEqual([config.isFeatureEnabled('a'), staging.isFeatureEnabled('b')], [true, true]);

    for (const [call, code] of [
      [() => config.retireFeature('c'), 'ERR_UNKNOWN_FEATURE'],
      [() => config.retireFeature([]), 'ERR_INVALID_VALUE'],
      [() => config.retireFeature(7), 'ERR_INVALID_TYPE'],
      [() => config.retireFeature('a', { forced: true }), 'ERR_UNKNOWN_OPTION'],
      [() => config.retireFeature('a', { force: 1 }), 'ERR_INVALID_TYPE'],
      [() => config.retireFeature('a', { ifRevision: 9 }), 'ERR_REVISION_CONFLICT'],
      [() => config.reviveFeature('c'), 'ERR_UNKNOWN_FEATURE'],
      [() => open(t, { ...options, readOnly: true }).retireFeature('a'), 'ERR_READ_ONLY'],
      [() => open(t, { features: ['a'] }).retireFeature('a'), 'ERR_PERSISTENCE_DISABLED'],
      [() => open(t, { features: ['a'] }).getRetiredFeatures(), 'ERR_PERSISTENCE_DISABLED'],
    ]) {
      await assert.rejects(async () => await call(), { code }, `${call}`);
    }
  },

  async 'those who share the live state hear of it'(t) {
    const options = { ...database(t), enableClusterSync: true };
    const config = open(t, { ...options, features: ['a', 'b', 'c'] });
    const peer = startProcess();
    t.after(() => peer.stop());
    await peer.tell('open', { ...options, features: ['a'] });
    const attached = attachConfig(config.share());
    t.after(() => attached.close());
    assert.deepEqual(await peer.tell('getFeatureNames'), ['a', 'b', 'c']);
    await config.retireFeature('b');
    for (const names of [config.getFeatureNames(), attached.getFeatureNames(), await peer.tell('getFeatureNames')]) {
      assert.deepEqual(names, ['a', 'c']);
    }
    assert.equal(await peer.tell('isFeatureEnabled', 'b'), false);
    assert.deepEqual(config.share().retiredFeatures, ['b']);
    // A process with a handle does not list its names.
    const { buffer: _, ...handle } = config.share();
    const other = startProcess();
    t.after(() => other.stop());
    for (const given of [handle, { ...handle, retiredFeatures: undefined }]) {
      await other.tell('attach', given);
      assert.deepEqual(await other.tell('getFeatureNames'), ['a', 'c']);
      await other.tell('close');
    }
    // So does another environment of this process.
    const staging = open(t, { ...options, environment: 'staging' });
    assert.deepEqual(staging.getFeatureNames(), ['a', 'c']);
    await config.reviveFeature('b');
    assert.deepEqual(await peer.tell('getFeatureNames'), ['a', 'b', 'c']);
    assert.deepEqual(staging.getFeatureNames(), ['a', 'b', 'c']);
    // While another process persists and commits.
    await Promise.all([
      config.retireFeature('c'),
      peer.tell('enableFeature', 'a').then(() => peer.tell('persist', 'meanwhile')),
    ]);
    assert.deepEqual(await peer.tell('getFeatureNames'), ['a', 'b']);
    assert.deepEqual(config.getEnabledFeatures(), ['a']);
    assert.equal((await config.verify()).ok, true);
  },

  async 'a private page that threads share has it, too'(t) {
    const config = open(t, { ...database(t), features: ['a', 'b'] });
    await config.retireFeature('a');
    const attached = attachConfig(structuredClone(config.share()));
    t.after(() => attached.close());
    assert.deepEqual(attached.getFeatureNames(), ['b']);
    assert.equal(attached.isFeatureEnabled('a'), false);
    await config.reviveFeature('a');
    assert.deepEqual(attached.getFeatureNames(), ['a', 'b']);
  },

  async 'its bit goes to a new name when no other is left, and nobody has the database open'(t) {
    const options = database(t);
    const staging = open(t, { ...options, environment: 'staging', features: ['first', 'second', ...OTHERS] });
    staging.enableFeature('first');
    await staging.persist('on in staging');
    const config = open(t, options);
    config.setRollout('second', 10);
    config.enableFeature('second');
    await config.persist('before');
    config.disableFeature('second');
    await config.persist('off');
    await config.retireFeature('second');
    await config.retireFeature('first', { force: true });
    const handle = config.share();

    const peer = startProcess();
    t.after(() => peer.stop());
    for (const [holder, close] of [
      ['another environment', () => staging.close()],
      ['a config of this process', () => config.close()],
    ]) {
      await peer.tell('open', { ...options, features: ['new'] });
      assert.equal(await peer.tell('hasFeature', 'new'), false, holder);
      assert.equal((await peer.tell('validate')).isValid, false);
      await peer.tell('close');
      await close();
    }
    await peer.tell('open', { ...options, features: ['new', 'newer'] });
    assert.deepEqual((await peer.tell('getFeatureNames')).slice(0, 3), ['newer', 'new', 'other_0']);
    assert.deepEqual(await peer.tell('getEnabledFeatures'), []);
    assert.equal(await peer.tell('getRollout', 'new'), 100);
    assert.throws(() => attachConfig({ ...handle, buffer: undefined }), { code: 'ERR_STALE_HANDLE' });
    await peer.tell('close');

    const next = open(t, { ...options, features: ['new'] });
    // Each revision has the names of its time.
    const history = await next.getHistory();
    assert.deepEqual(history.map(({ changeReason, changes }) => [changeReason, changes]).slice(0, 1), [
      ['bits of retired features freed', ['second 10% → 100%']],
    ]);
    assert.deepEqual(history.find(({ changeReason }) => changeReason === 'before').changes, [
      '+second',
      'second 100% → 10%',
    ]);
    next.enableFeature('new');
    const { revision } = await next.persist('new on');
    const before = history.find(({ changeReason }) => changeReason === 'before').revision;
    const { enabled, disabled } = await next.diff(before, revision);
    assert.deepEqual([enabled, disabled], [['new'], ['second']]);
    // Going back says nothing of a name that there was not.
    await next.rollback(before);
    assert.deepEqual([next.getEnabledFeatures(), next.getRollout('new')], [['new'], 100]);
    assert.equal((await next.verify()).ok, true);
    const again = open(t, { ...options, environment: 'staging' });
    assert.deepEqual(again.getEnabledFeatures(), []);
    assert.deepEqual((await again.getHistory(1))[0].changes, ['-first']);
    assert.deepEqual(await again.getRetiredFeatures(), []);
  },
});

function database(t) {
  return { persistPath: join(t.tempDir(), 'config.db'), environment: 'eu' };
}

function open(t, options) {
  const config = createProductionConfig({ environment: 'eu', ...options });
  t.after(() => config.close());
  return config;
}
