// More than 32 features: each bank of 32 has a record of its own, and all of them are one state.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { attachConfig, ConfigCore13Byte, createProductionConfig } from '13byte-config';
import { startProcess } from './children/peers.mjs';
import { suite } from './harness/suite.mjs';

const NAMES = Array.from({ length: 256 }, (_, bit) => `area_${bit % 7}.feature_${bit}`);
/** The first and the last of a bank, and some in between. */
const SOME = [0, 31, 32, 63, 64, 100, 127, 128, 200, 224, 255].map((bit) => NAMES[bit]);

export default suite('banks', {
  'each of 256 features is switched and rolled out by itself'(t) {
    const config = open(t, { features: NAMES });
    for (const [bit, name] of NAMES.entries()) {
      assert.equal(config.enableFeature(name), true);
      assert.equal(config.enableFeature(name), false);
      assert.deepEqual(config.getEnabledFeatures(), [name]);
      assert.equal(config.getCore(bit >>> 5).hasFeature(bit & 31), true);
      assert.equal(config.setRollout(name, (bit % 99) + 1), true);
      assert.equal(config.feature(name).enabled, true);
      assert.equal(config.getFeatureInfo(name).bit, bit);
      assert.equal(config.toggleFeature(name), false);
      assert.equal(config.toggleFeature(name), true);
      assert.equal(config.disableFeature(name), true);
    }
    for (const [bit, name] of NAMES.entries()) {
      assert.equal(config.isFeatureEnabled(name), false);
      assert.equal(config.getRollout(name), (bit % 99) + 1);
    }
  },

  'rollouts decide about keys in every bank'(t) {
    const [first, last] = [open(t, { features: ['same'] }), open(t, { features: [...NAMES.slice(1), 'same'] })];
    for (const config of [first, last]) {
      config.enableFeature('same');
      config.setRollout('same', 40);
    }
    const keys = Array.from({ length: 500 }, (_, key) => `user-${key}`);
    const on = keys.filter((key) => first.isFeatureEnabledFor('same', key));
    assert.ok(on.length > 150 && on.length < 250, `${on.length}`);
    assert.deepEqual(
      keys.filter((key) => last.isFeatureEnabledFor('same', key)),
      on,
    );
  },

  'a config has one bank, or all of them'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    for (const [options, banks] of [
      [{}, 1],
      [{ features: NAMES.slice(0, 32) }, 1],
      [{ features: NAMES.slice(0, 33) }, 8],
      [{ features: ['a'], persistPath }, 8],
      [{ features: ['a'], persistPath, enableClusterSync: true }, 8],
      [{ features: [] }, 1],
    ]) {
      const config = open(t, options);
      assert.equal(config.toBanks().length, 13 * banks);
      assert.deepEqual(config.toBanks().subarray(0, 13), config.toBytes());
      assert.equal(config.getCore(banks - 1).reserved, banks - 1);
      assert.throws(() => config.getCore(banks), { code: 'ERR_OUT_OF_RANGE', message: /^Invalid bank: \d/ });
      if (config.sharedBuffer) assert.equal(config.sharedBuffer.byteLength, 128 * banks);
    }
    assert.throws(() => open(t).getCore('0'), { code: 'ERR_INVALID_TYPE' });
    // A page of one block has no room for the names that somebody added to its handle.
    assert.throws(() => attachConfig({ ...open(t).share(), features: NAMES.slice(0, 33) }), {
      code: 'ERR_INVALID_VALUE',
      message: 'Invalid handle.features: 33 names (must be those of the page, which has room for 32)',
    });
  },

  'records of all banks go from one config to another'(t) {
    const [from, to] = [open(t, { features: NAMES }), open(t, { features: NAMES })];
    from.update((draft) => {
      draft.enable(...SOME);
      draft.terminal(1, 7, 9);
    });
    to.enableFeature(NAMES[5]);
    to.setRollout(NAMES[40], 3);
    to.updateFromBanks(from.toBanks());
    assert.deepEqual(to.getEnabledFeatures(), SOME);
    assert.deepEqual(to.getTerminalSettings(), { mode: 1, rows: 7, cols: 9 });
    assert.equal(to.getRollout(NAMES[40]), 3);
    assert.deepEqual(to.toBanks(), from.toBanks());
    for (let bank = 0; bank < 8; bank += 1) {
      const core = new ConfigCore13Byte(from.toBanks().subarray(13 * bank, 13 * (bank + 1)));
      assert.equal(core.toHex(), from.getCore(bank).toHex());
      assert.deepEqual([core.version, core.reserved], [1, bank]);
      if (bank > 0) assert.deepEqual([core.terminalMode, core.terminalRows, core.terminalCols], [0, 0, 0]);
    }
    // The hash of a bank is that of its names.
    assert.equal(from.getCore(1).registryHash, open(t, { features: NAMES.slice(32, 64) }).registryHash);
    const one = open(t);
    one.updateFromBanks(open(t).toBanks());
    assert.equal(one.toHex(), open(t).toHex());
  },

  'records that do not fit are refused, and nothing changes'(t) {
    const config = open(t, { features: NAMES });
    config.enableFeature(NAMES[40]);
    const before = config.toBanks();
    const changed = (place, value) => {
      const bytes = config.toBanks();
      bytes[place] = value;
      return bytes;
    };
    for (const [bytes, code, message] of [
      [before.subarray(13), 'ERR_BUFFER_LENGTH', 'Buffer must be exactly 104 bytes (13 for each of 8 banks)'],
      [before.subarray(0, 13), 'ERR_BUFFER_LENGTH', 'Buffer must be exactly 104 bytes (13 for each of 8 banks)'],
      [changed(25, 2), 'ERR_INVALID_VALUE', 'Invalid bank 1: its record ends in 0x00000002 (must be 0x00000001)'],
      [
        changed(13 * 7 + 10, 24),
        'ERR_INVALID_VALUE',
        'Invalid bank 7: its record ends in 0x00180007 (must be 0x00000007)',
      ],
      ['bytes', 'ERR_INVALID_TYPE', 'Invalid bytes: "bytes" (must be an ArrayBuffer or a view of one)'],
    ]) {
      assert.throws(() => config.updateFromBanks(bytes), { code, message });
    }
    assert.throws(() => open(t).updateFromBanks(before), {
      code: 'ERR_BUFFER_LENGTH',
      message: 'Buffer must be exactly 13 bytes',
    });
    for (const of of [config, open(t)]) {
      assert.throws(() => of.updateFromBuffer(before.subarray(13, 26)), {
        code: 'ERR_INVALID_VALUE',
        message: /^Invalid record: it is that of bank 1 \(must be that of bank 0/,
      });
    }
    assert.throws(() => open(t, { features: NAMES, readOnly: true }).updateFromBanks(before), {
      code: 'ERR_READ_ONLY',
    });
    assert.deepEqual(config.toBanks(), before);
    // Flags that no feature has are accepted, as those of one record are, and found.
    const few = open(t, { features: NAMES.slice(0, 40) });
    const all = few.toBanks();
    all[13 + 5 + 1] = 0x01;
    few.updateFromBanks(all);
    assert.deepEqual(few.validate().errors, ['Invalid feature flags of bank 1: no feature owns the bits 0x00000100']);
    assert.deepEqual(few.getEnabledFeatures(), []);
  },

  async 'changes of several banks are told as one, and whose they are'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { features: NAMES, persistPath, enableClusterSync: true });
    const heard = once(config, 'change');
    config.update((draft) => draft.enable(...SOME));
    const [change] = await heard;
    assert.deepEqual([change.enabled, change.disabled, change.local], [SOME, [], true]);

    const peer = startProcess();
    t.after(() => peer.stop());
    await peer.tell('open', { persistPath, environment: 'eu', enableClusterSync: true, features: [] });
    assert.deepEqual(await peer.tell('getEnabledFeatures'), SOME);
    const foreign = once(config, 'change');
    await peer.tell('disableFeature', NAMES[200]);
    const [second] = await foreign;
    assert.deepEqual([second.enabled, second.disabled, second.local], [[], [NAMES[200]], false]);

    const both = once(config, 'change');
    config.setRollout(NAMES[255], 12.5);
    const [third] = await both;
    assert.deepEqual([third.rollouts, third.local], [{ [NAMES[255]]: { from: 100, to: 12.5 } }, true]);
  },

  async 'the history has all banks'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { features: NAMES, persistPath });
    config.update((draft) => {
      draft.enable(...SOME);
      draft.rollout(NAMES[130], 5);
    });
    assert.equal(config.persisted, false);
    const first = await config.persist('some');
    assert.equal(config.persisted, true);
    assert.deepEqual(first.changes, [...SOME.map((name) => `+${name}`), `${NAMES[130]} 100% → 5%`]);
    assert.equal(first.configHex, `0x${Buffer.from(config.toBanks()).toString('hex')}`);

    config.disableFeature(NAMES[255]);
    config.setRollout(NAMES[250], 1);
    assert.equal(config.persisted, false);
    await config.persist('others');
    assert.deepEqual((await config.diff(1, 2)).changes, [`-${NAMES[255]}`, `${NAMES[250]} 100% → 1%`]);
    assert.deepEqual((await config.commit((draft) => draft.enable(NAMES[150]))).changes, [`+${NAMES[150]}`]);
    await config.rollback(1);
    assert.deepEqual(config.getEnabledFeatures(), SOME);
    assert.deepEqual([config.getRollout(NAMES[250]), config.persisted], [100, true]);
    const { features, terminal } = config.getState();
    const none = Object.fromEntries(Object.keys(features).map((name) => [name, { enabled: false, rollout: 100 }]));
    await config.apply({ features: none, terminal });
    assert.deepEqual([config.getEnabledFeatures(), config.getRollout(NAMES[130])], [[], 100]);
    assert.equal((await config.verify()).ok, true);
    await config.close();

    const again = open(t, { persistPath });
    await again.rollback(1);
    assert.deepEqual(again.getEnabledFeatures(), SOME);
    assert.equal(again.getRollout(NAMES[130]), 5);
  },

  async 'programs with few names and with many share a database'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const few = open(t, { features: NAMES.slice(0, 20), persistPath });
    few.enableFeature(NAMES[3]);
    await few.persist('few');
    const many = open(t, { features: NAMES.slice(20, 220), persistPath });
    many.enableFeature(NAMES[210]);
    await many.persist('many');
    assert.equal(await few.load(), true);
    assert.deepEqual(few.getEnabledFeatures(), [NAMES[3], NAMES[210]]);
    assert.deepEqual(few.getFeatureNames(), NAMES.slice(0, 220));
    few.disableFeature(NAMES[210]);
    assert.deepEqual((await few.persist('few again')).changes, [`-${NAMES[210]}`]);
    // Revisions from before the names were there say nothing of them.
    few.enableFeature(NAMES[99]);
    await few.rollback(1);
    assert.deepEqual(few.getEnabledFeatures(), [NAMES[3], NAMES[99]]);
    assert.equal((await few.verify()).ok, true);
    assert.deepEqual(few.validate(), { isValid: true, errors: [] });
  },

  async 'another thread and another process see all of them'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { features: NAMES, persistPath, enableClusterSync: true });
    config.update((draft) => draft.enable(...SOME));
    const { buffer: _, ...handle } = config.share();
    const attached = attachConfig(handle);
    t.after(() => attached.close());
    const peer = startProcess();
    t.after(() => peer.stop());
    await peer.tell('attach', handle);
    assert.deepEqual(attached.getEnabledFeatures(), SOME);
    assert.deepEqual(await peer.tell('getEnabledFeatures'), SOME);
    await peer.tell('enableFeature', NAMES[77]);
    assert.equal(attached.isFeatureEnabled(NAMES[77]), true);
    assert.equal(config.isFeatureEnabled(NAMES[77]), true);
    const alone = open(t, { features: NAMES });
    alone.enableFeature(NAMES[222]);
    const same = attachConfig(alone.share());
    t.after(() => same.close());
    assert.deepEqual(same.getEnabledFeatures(), [NAMES[222]]);
  },

  'views show all of them'(t) {
    const config = open(t, { features: NAMES });
    config.update((draft) => draft.enable(...SOME));
    config.setRollout(NAMES[99], 25);
    const view = config.getDebugView();
    assert.deepEqual(view.features.enabled, SOME);
    assert.equal(view.features.disabled.length, 256 - SOME.length);
    assert.deepEqual(view.rollouts, { [NAMES[99]]: 25 });
    assert.equal(view.raw.hex, config.toHex());
    config.disableFeature(NAMES[255]);
    assert.deepEqual(config.getDebugView().features.enabled, SOME.slice(0, -1));
    const { features } = config.getState();
    assert.deepEqual(Object.keys(features), NAMES);
    assert.deepEqual(features[NAMES[99]], { enabled: false, rollout: 25 });
    assert.match(config.metricsText(), new RegExp(`feature_enabled\\{[^}]*${NAMES[224]}"[^}]*\\} 1`));
  },
});

function open(t, options = {}) {
  const config = createProductionConfig({ environment: 'eu', ...options });
  t.after(() => config.close());
  return config;
}
