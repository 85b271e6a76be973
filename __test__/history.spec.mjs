import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createDevelopmentConfig, createProductionConfig } from '13byte-config';
import { suite } from './harness/suite.mjs';

const CONFLICT =
  /^Environment (\S+) is at revision (\d+), not (\d+): someone persisted in between\. Read the history, then try again$/;

export default suite('history', {
  async 'a persist is a revision with its reason, its state and what changed'(t) {
    const config = open(t, { persistPath: database(t), environment: 'production', actor: 'alice' });
    config.enableFeature('debug');
    config.enableFeature('metrics');
    config.setTerminalSettings(2, 50, 120);
    const before = Date.now();
    const entry = await config.persist('service_deployment');
    const after = Date.now();

    const { createdAt, digest, ...rest } = entry;
    assert.deepEqual(rest, {
      revision: 1,
      environment: 'production',
      kind: 'snapshot',
      changeReason: 'service_deployment',
      actor: 'alice',
      configHex: '0x01785634120500000002327800',
      changes: ['+debug', '+metrics', 'terminal raw 24x80 → raw 50x120'],
      restoredFrom: null,
    });
    assert.ok(createdAt instanceof Date);
    assert.ok(createdAt.getTime() >= before && createdAt.getTime() <= after);
    assert.match(digest, /^[0-9a-f]{64}$/);
    assert.deepEqual(await config.getHistory(), [entry]);
    assert.equal(config.getDebugView().revision, 1);
  },

  async 'the reason and the actor have defaults'(t) {
    const config = open(t, { persistPath: database(t) });
    const { changeReason, actor } = await config.persist();
    assert.equal(changeReason, 'manual');
    assert.match(actor, new RegExp(`^.+:${process.pid}$`), 'the user and the process');
    assert.equal((await config.persist(undefined, { actor: 'deploy-bot' })).actor, 'deploy-bot');
  },

  async 'ten concurrent persists are ten revisions in call order'(t) {
    const config = open(t, { persistPath: database(t) });
    const reasons = Array.from({ length: 10 }, (_, index) => `step ${index}`);
    const entries = await Promise.all(
      reasons.map((reason, index) => {
        config.featureFlags = index;
        return config.persist(reason);
      }),
    );
    assert.deepEqual(
      entries.map(({ revision }) => revision),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    );
    assert.deepEqual(
      entries.map(({ changeReason }) => changeReason),
      reasons,
    );
    assert.deepEqual(
      entries.map(({ configHex }) => Number.parseInt(configHex.slice(12, 14), 16)),
      [...reasons.keys()],
      'each with the state at its call',
    );
    assert.deepEqual(await config.getHistory(), entries.toReversed());
    assert.equal(new Set(entries.map(({ digest }) => digest)).size, 10);
    assert.equal(transactionsOf(config), 1, 'calls of one turn share a transaction');
  },

  async 'a thousand concurrent persists share at most twenty transactions'(t) {
    const config = open(t, { persistPath: database(t) });
    const reasons = Array.from({ length: 1000 }, (_, index) => `step ${index}`);
    const entries = await Promise.all(
      reasons.map((reason, index) => {
        config.featureFlags = index;
        return config.persist(reason);
      }),
    );
    const transactions = transactionsOf(config);
    assert.ok(transactions >= 1 && transactions <= 20, `${transactions} transactions`);
    assert.deepEqual(
      entries.map(({ revision }) => revision),
      reasons.map((_, index) => index + 1),
    );
    const history = await config.getHistory(1000);
    assert.deepEqual(
      history.map(({ changeReason }) => changeReason),
      reasons.toReversed(),
    );
    assert.deepEqual(
      history.map(({ configHex }) => configHex),
      entries.map(({ configHex }) => configHex).toReversed(),
    );

    await config.persist('one more');
    assert.equal(transactionsOf(config), transactions + 1, 'the counter counts');
  },

  async 'the snapshot is taken at the call'(t) {
    const config = open(t, { persistPath: database(t) });
    config.enableFeature('debug');
    const persist = config.persist('debug only');
    config.enableFeature('verbose');
    config.setTerminalSettings(3, 1, 1);
    const entry = await persist;
    assert.deepEqual(entry.changes, ['+debug']);
    assert.equal(entry.configHex, '0x01785634120100000002185000');
    assert.deepEqual(config.getEnabledFeatures(), ['debug', 'verbose'], 'and the live state goes on');
    assert.equal(await config.load(), true);
    assert.deepEqual(config.getEnabledFeatures(), ['debug']);
  },

  async 'a restart starts from the last persisted state'(t) {
    const persistPath = database(t);
    const config = createProductionConfig({ persistPath });
    config.enableFeature('encryption');
    config.setTerminalSettings(1, 30, 90);
    await config.persist('before');
    config.disableFeature('encryption');
    await config.close();

    const next = open(t, { persistPath });
    assert.deepEqual(next.getEnabledFeatures(), ['encryption'], 'not the state that nobody persisted');
    assert.deepEqual(next.getTerminalSettings(), { mode: 1, rows: 30, cols: 90 });
    assert.equal(next.getDebugView().revision, 1);
    assert.deepEqual(next.validate(), { isValid: true, errors: [] });
  },

  async 'another process starts from the last persisted state'(t) {
    const persistPath = database(t);
    const config = open(t, { persistPath });
    config.enableFeature('maintenance_mode');
    await config.persist('from here');

    const child = t.spawn('program.mjs');
    assert.deepEqual(await tell(child, 'open', { persistPath }), { result: '0x01785634120004000002185000' });
    await tell(child, 'disableFeature', 'maintenance_mode');
    const { result } = await tell(child, 'persist', 'from there');
    assert.equal(result.revision, 2);
    assert.deepEqual(result.changes, ['-maintenance_mode']);

    assert.equal(config.isFeatureEnabled('maintenance_mode'), true, 'a private config keeps its own state');
    assert.equal(await config.load(), true);
    assert.equal(config.isFeatureEnabled('maintenance_mode'), false);
    assert.deepEqual(
      (await config.getHistory()).map(({ changeReason }) => changeReason),
      ['from there', 'from here'],
    );
  },

  async 'without autoLoad it starts afresh, and can load later'(t) {
    const persistPath = database(t);
    const config = createProductionConfig({ persistPath });
    config.enableFeature('debug');
    await config.persist('on');
    await config.close();

    const next = open(t, { persistPath, autoLoad: false });
    assert.deepEqual(next.getEnabledFeatures(), []);
    assert.equal(next.getDebugView().revision, 1, 'it knows where the history stands');
    assert.equal(await next.load(), true);
    assert.deepEqual(next.getEnabledFeatures(), ['debug']);
  },

  async 'what a development config turns on is only for the first time'(t) {
    const persistPath = database(t);
    const config = createDevelopmentConfig({ persistPath });
    assert.deepEqual(config.getEnabledFeatures(), ['debug', 'verbose', 'logging']);
    config.disableFeature('verbose');
    await config.persist('quieter');
    await config.close();
    const next = createDevelopmentConfig({ persistPath });
    t.after(() => next.close());
    assert.deepEqual(next.getEnabledFeatures(), ['debug', 'logging']);
  },

  async 'loading before anything was persisted changes nothing and says so'(t) {
    const config = open(t, { persistPath: database(t) });
    config.enableFeature('debug');
    const before = config.getDebugView();
    assert.equal(await config.load(), false);
    assert.equal(config.getDebugView(), before);
    assert.deepEqual(await config.getHistory(), []);
  },

  async 'loading is one change, or none'(t) {
    const config = open(t, { persistPath: database(t) });
    config.update((draft) => {
      draft.enable('debug', 'metrics');
      draft.terminal(3, 1, 1);
    });
    await config.persist('here');
    const { generation } = config.getDebugView();
    await config.load();
    assert.equal(config.getDebugView().generation, generation, 'already there');
    config.update((draft) => {
      draft.disable('debug');
      draft.terminal(2, 2, 2);
    });
    await config.load();
    assert.equal(config.getDebugView().generation, generation + 2);
    assert.deepEqual(config.getEnabledFeatures(), ['debug', 'metrics']);
    assert.deepEqual(config.getTerminalSettings(), { mode: 3, rows: 1, cols: 1 });
  },

  async 'the history is read page by page'(t) {
    const config = open(t, { persistPath: database(t) });
    await Promise.all(Array.from({ length: 60 }, (_, index) => config.persist(`number ${index + 1}`)));
    const revisions = async (...args) => (await config.getHistory(...args)).map(({ revision }) => revision);
    assert.deepEqual(await revisions(), range(60, 11), '50 by default, newest first');
    assert.deepEqual(await revisions(3), [60, 59, 58]);
    assert.deepEqual(await revisions(3, { before: 58 }), [57, 56, 55]);
    assert.deepEqual(await revisions(50, { before: 11 }), range(10, 1));
    assert.deepEqual(await revisions(50, { before: 1 }), []);
    assert.deepEqual(await revisions(10_000), range(60, 1));
    assert.deepEqual(await revisions(1, { before: Number.MAX_SAFE_INTEGER }), [60]);
    assert.deepEqual(await revisions(1, { before: undefined }), [60]);
    assert.equal((await config.getHistory(1, { before: 31 }))[0].changeReason, 'number 30');
  },

  async 'each revision says what changed since the one before it, on every page'(t) {
    const config = open(t, { persistPath: database(t) });
    await config.persist('nothing');
    config.enableFeature('metrics');
    config.enableFeature('debug');
    await config.persist('two on');
    config.disableFeature('debug');
    config.enableFeature('caching');
    config.setTerminalSettings(0, 50, 120);
    await config.persist('mixed');
    const wanted = [['+caching', '-debug', 'terminal raw 24x80 → disabled 50x120'], ['+debug', '+metrics'], []];
    assert.deepEqual(
      (await config.getHistory()).map(({ changes }) => changes),
      wanted,
    );
    assert.deepEqual(
      (await config.getHistory(1, { before: 3 })).map(({ changes }) => changes),
      [wanted[1]],
    );
  },

  async 'rolling back goes to the revision before, again and again'(t) {
    const config = open(t, { persistPath: database(t) });
    for (const feature of ['debug', 'verbose', 'metrics', 'logging']) {
      config.enableFeature(feature);
      await config.persist(`${feature} on`);
    }
    const back = [];
    for (let round = 0; round < 3; round += 1) back.push(await config.rollback());
    assert.deepEqual(
      back.map(({ revision, restoredFrom, changeReason, changes }) => ({
        revision,
        restoredFrom,
        changeReason,
        changes,
      })),
      [
        { revision: 5, restoredFrom: 3, changeReason: 'rollback to revision 3', changes: ['-logging'] },
        { revision: 6, restoredFrom: 2, changeReason: 'rollback to revision 2', changes: ['-metrics'] },
        { revision: 7, restoredFrom: 1, changeReason: 'rollback to revision 1', changes: ['-verbose'] },
      ],
    );
    assert.deepEqual(config.getEnabledFeatures(), ['debug']);
    assert.equal(config.getDebugView().revision, 7);

    const before = config.getDebugView();
    await assert.rejects(config.rollback(), {
      name: 'ConfigError',
      code: 'ERR_NOTHING_TO_ROLL_BACK',
      message: 'Nothing to roll back to in environment development: no revision precedes the current one',
    });
    assert.equal(config.getDebugView(), before);
    assert.equal((await config.getHistory()).length, 7, 'nothing is ever rewritten');
  },

  async 'after a rollback the history goes on from there'(t) {
    const config = open(t, { persistPath: database(t) });
    for (const feature of ['debug', 'verbose', 'metrics']) {
      config.enableFeature(feature);
      await config.persist(feature);
    }
    await config.rollback(1);
    config.enableFeature('caching');
    await config.persist('on from 1');
    await config.rollback();
    assert.deepEqual(config.getEnabledFeatures(), ['debug'], 'the state that revision 5 replaced');
  },

  async 'rolling back to any revision by number restores its whole state'(t) {
    const config = open(t, { persistPath: database(t) });
    config.enableFeature('debug');
    config.setTerminalSettings(1, 10, 20);
    await config.persist('one');
    config.disableFeature('debug');
    config.enableFeature('beta_feature');
    config.setTerminalSettings(2, 50, 120);
    await config.persist('two');
    config.enableFeature('caching');

    const entry = await config.rollback(1);
    assert.equal(entry.restoredFrom, 1);
    assert.deepEqual(config.getEnabledFeatures(), ['debug']);
    assert.deepEqual(config.getTerminalSettings(), { mode: 1, rows: 10, cols: 20 });
    assert.equal(entry.configHex, config.toHex());
    assert.deepEqual(entry.changes, ['+debug', '-beta_feature', 'terminal raw 50x120 → cooked 10x20']);
    assert.equal((await config.rollback(2)).restoredFrom, 2, 'forward as well');
    assert.deepEqual(config.getEnabledFeatures(), ['beta_feature']);
  },

  async 'a rollback survives a restart'(t) {
    const persistPath = database(t);
    const config = createProductionConfig({ persistPath });
    config.enableFeature('debug');
    await config.persist('one');
    config.enableFeature('verbose');
    await config.persist('two');
    await config.rollback();
    await config.close();
    const next = open(t, { persistPath });
    assert.deepEqual(next.getEnabledFeatures(), ['debug']);
    assert.equal(next.getDebugView().revision, 3);
  },

  async 'a revision that does not exist is refused, and nothing changes'(t) {
    const persistPath = database(t);
    const config = open(t, { persistPath });
    const other = open(t, { persistPath, environment: 'staging' });
    await config.persist('one');
    await other.persist('two, of another environment');
    config.enableFeature('debug');
    const before = config.getDebugView();
    for (const revision of [2, 3, Number.MAX_SAFE_INTEGER]) {
      const error = {
        name: 'ConfigError',
        code: 'ERR_REVISION_NOT_FOUND',
        message: `Revision ${revision} does not exist in environment development (getHistory() lists the revisions)`,
      };
      await assert.rejects(config.rollback(revision), error);
      await assert.rejects(config.diff(1, revision), error);
      await assert.rejects(config.diff(revision, 1), error);
    }
    assert.equal(config.getDebugView(), before);
    assert.equal((await config.getHistory()).length, 1);
  },

  async 'a difference goes both ways'(t) {
    const config = open(t, { persistPath: database(t) });
    config.enableFeature('debug');
    await config.persist('one');
    config.disableFeature('debug');
    config.enableFeature('metrics');
    config.setTerminalSettings(3, 50, 120);
    await config.persist('two');
    const [small, large] = [
      { mode: 2, rows: 24, cols: 80 },
      { mode: 3, rows: 50, cols: 120 },
    ];
    assert.deepEqual(await config.diff(1, 2), {
      from: 1,
      to: 2,
      enabled: ['metrics'],
      disabled: ['debug'],
      terminal: { from: small, to: large },
      changes: ['+metrics', '-debug', 'terminal raw 24x80 → pipe 50x120'],
    });
    assert.deepEqual(await config.diff(2, 1), {
      from: 2,
      to: 1,
      enabled: ['debug'],
      disabled: ['metrics'],
      terminal: { from: large, to: small },
      changes: ['+debug', '-metrics', 'terminal pipe 50x120 → raw 24x80'],
    });
    assert.deepEqual(await config.diff(2, 2), { from: 2, to: 2, enabled: [], disabled: [], changes: [] });
  },

  async 'environments share a file and nothing else'(t) {
    const persistPath = database(t);
    const [staging, production] = ['staging', 'production'].map((environment) => open(t, { persistPath, environment }));
    staging.enableFeature('beta_feature');
    assert.equal((await staging.persist('try')).revision, 1);
    production.enableFeature('encryption');
    assert.equal((await production.persist('safe')).revision, 2, 'numbers are unique in the file');
    assert.deepEqual(
      (await staging.getHistory()).map(({ changeReason }) => changeReason),
      ['try'],
    );
    assert.deepEqual(
      (await production.getHistory()).map(({ changes }) => changes),
      [['+encryption']],
    );
    await assert.rejects(production.rollback(), { code: 'ERR_NOTHING_TO_ROLL_BACK' });

    const again = open(t, { persistPath, environment: 'production' });
    assert.deepEqual(again.getEnabledFeatures(), ['encryption']);
    const fresh = open(t, { persistPath, environment: 'test' });
    assert.deepEqual(fresh.getEnabledFeatures(), []);
    assert.equal(fresh.getDebugView().revision, null);
    assert.equal(await fresh.load(), false);
  },

  async 'promoting takes over the last persisted state of another environment'(t) {
    const persistPath = database(t);
    const [staging, production] = ['staging', 'production'].map((environment) => open(t, { persistPath, environment }));
    production.enableFeature('debug');
    await production.persist('old');
    staging.enableFeature('beta_feature');
    staging.setTerminalSettings(2, 50, 120);
    await staging.persist('tested');
    staging.enableFeature('verbose');

    const entry = await production.promote('staging', { actor: 'alice' });
    assert.equal(entry.revision, 3);
    assert.equal(entry.environment, 'production');
    assert.equal(entry.restoredFrom, 2);
    assert.equal(entry.actor, 'alice');
    assert.equal(entry.changeReason, 'promoted from staging revision 2');
    assert.deepEqual(entry.changes, ['+beta_feature', '-debug', 'terminal raw 24x80 → raw 50x120']);
    assert.deepEqual(production.getEnabledFeatures(), ['beta_feature'], 'the persisted state, not the live one');
    assert.deepEqual(production.getTerminalSettings(), { mode: 2, rows: 50, cols: 120 });
    assert.deepEqual(staging.getEnabledFeatures(), ['verbose', 'beta_feature']);
    assert.equal((await staging.getHistory()).length, 1);
    await production.rollback();
    assert.deepEqual(production.getEnabledFeatures(), ['debug'], 'and can be taken back');
  },

  async 'a rollback and a promotion have a reason, and may be refused by the revision'(t) {
    const persistPath = database(t);
    const [staging, production] = ['staging', 'production'].map((environment) => open(t, { persistPath, environment }));
    await staging.persist('tested');
    await production.persist('old');
    production.enableFeature('debug');
    await production.persist('new');
    const back = await production.rollback(2, { reason: 'incident 42', actor: 'alice', ifRevision: 3 });
    assert.deepEqual([back.changeReason, back.actor, back.restoredFrom], ['incident 42', 'alice', 2]);
    const promoted = await production.promote('staging', { reason: 'release 7', ifRevision: 4 });
    assert.deepEqual([promoted.changeReason, promoted.restoredFrom], ['release 7', 1]);
    const before = production.getDebugView();
    await assert.rejects(production.promote('staging', { ifRevision: 4 }), { code: 'ERR_REVISION_CONFLICT' });
    for (const reason of ['', ' ', 'x'.repeat(1001)])
      await assert.rejects(production.rollback(2, { reason }), { code: 'ERR_INVALID_VALUE' });
    await assert.rejects(production.rollback(2, { reason: 7 }), { code: 'ERR_INVALID_TYPE' });
    assert.equal(production.getDebugView(), before);
  },

  async 'promoting from nowhere is refused, and nothing changes'(t) {
    const config = open(t, { persistPath: database(t), environment: 'production' });
    config.enableFeature('debug');
    await config.persist('one');
    const before = config.getDebugView();
    await assert.rejects(config.promote('staging'), {
      name: 'ConfigError',
      code: 'ERR_NOTHING_TO_PROMOTE',
      message: 'Environment staging has no persisted state to promote (persist it there first)',
    });
    await assert.rejects(config.promote('production'), {
      name: 'RangeError',
      code: 'ERR_INVALID_VALUE',
      message: 'Invalid environment: "production" (must differ from this config\'s environment)',
    });
    await assert.rejects(config.promote('../etc'), { code: 'ERR_INVALID_VALUE' });
    await assert.rejects(config.promote(), { code: 'ERR_INVALID_TYPE' });
    await assert.rejects(config.promote('staging', { revision: 1 }), { code: 'ERR_UNKNOWN_OPTION' });
    await assert.rejects(config.promote('staging', { reason: ' ' }), { code: 'ERR_INVALID_VALUE' });
    assert.equal(config.getDebugView(), before);
    assert.equal((await config.getHistory()).length, 1);
  },

  async 'ifRevision refuses when somebody persisted in between'(t) {
    const config = open(t, { persistPath: database(t) });
    assert.equal((await config.persist('first', { ifRevision: 0 })).revision, 1, '0 stands for none');
    await assert.rejects(config.persist('first, too', { ifRevision: 0 }), conflict('development', 1, 0));
    assert.equal((await config.persist('second', { ifRevision: 1 })).revision, 2);
    config.enableFeature('debug');
    const before = config.getDebugView();
    for (const ifRevision of [0, 1, 3, Number.MAX_SAFE_INTEGER]) {
      await assert.rejects(config.persist('no', { ifRevision }), conflict('development', 2, ifRevision));
      await assert.rejects(config.rollback(1, { ifRevision }), conflict('development', 2, ifRevision));
      await assert.rejects(config.rollback(undefined, { ifRevision }), conflict('development', 2, ifRevision));
    }
    assert.equal(config.getDebugView(), before);
    assert.equal((await config.getHistory()).length, 2);
    assert.equal((await config.rollback(1, { ifRevision: 2 })).revision, 3);
  },

  async 'of concurrent persists with the same ifRevision one wins, and the others do not spoil their neighbours'(t) {
    const persistPath = database(t);
    const config = open(t, { persistPath });
    const other = open(t, { persistPath, environment: 'other' });
    const outcomes = await Promise.allSettled([
      config.persist('a', { ifRevision: 0 }),
      config.persist('b', { ifRevision: 0 }),
      other.persist('c', { ifRevision: 0 }),
      config.persist('d'),
      config.persist('e', { ifRevision: 1 }),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'rejected'],
    );
    assert.deepEqual(
      [outcomes[1].reason.code, outcomes[4].reason.code],
      ['ERR_REVISION_CONFLICT', 'ERR_REVISION_CONFLICT'],
    );
    assert.deepEqual(
      (await config.getHistory()).map(({ changeReason }) => changeReason),
      ['d', 'a'],
    );
    assert.deepEqual(
      (await other.getHistory()).map(({ changeReason }) => changeReason),
      ['c'],
    );
  },

  async 'a reason is kept as it was given'(t) {
    const config = open(t, { persistPath: database(t) });
    const reasons = [
      'x',
      'ünï©ödé 🚀',
      "'; DROP TABLE revision; --",
      'two\nlines\tand a tab',
      ' padded ',
      '長'.repeat(1000),
      '🚀'.repeat(500),
    ];
    for (const reason of reasons) {
      assert.equal((await config.persist(reason, { actor: 'Ünï 🚀' })).changeReason, reason);
    }
    const history = await config.getHistory();
    assert.deepEqual(
      history.map(({ changeReason }) => changeReason),
      reasons.toReversed(),
    );
    assert.ok(history.every(({ actor }) => actor === 'Ünï 🚀'));
  },

  async 'a reason that cannot be kept is refused, and nothing is written'(t) {
    const config = open(t, { persistPath: database(t) });
    for (const [reason, message] of [
      ['', 'Invalid reason: "" (must not be empty)'],
      [' \t\n', String.raw`Invalid reason: " \t\n" (must not be empty)`],
      ['x'.repeat(1001), `Invalid reason: "${'x'.repeat(80)}…" has 1001 characters (must be at most 1000)`],
      ['x'.repeat(1_000_000), `Invalid reason: "${'x'.repeat(80)}…" has 1000000 characters (must be at most 1000)`],
      ['a\0b', String.raw`Invalid reason: "a\u0000b" (must be valid Unicode without NUL)`],
      ['\uD83D', String.raw`Invalid reason: "\ud83d" (must be valid Unicode without NUL)`],
      ['\uDE80 lone', String.raw`Invalid reason: "\ude80 lone" (must be valid Unicode without NUL)`],
    ]) {
      await assert.rejects(config.persist(reason), { name: 'RangeError', code: 'ERR_INVALID_VALUE', message });
    }
    for (const [reason, shown] of [
      [null, 'null'],
      [7, '7'],
      [{ reason: 'x' }, 'an instance of Object'],
      [Symbol('x'), 'Symbol(x)'],
    ]) {
      await assert.rejects(config.persist(reason), {
        name: 'TypeError',
        code: 'ERR_INVALID_TYPE',
        message: `Invalid reason: ${shown} (must be a string)`,
      });
    }
    assert.deepEqual(await config.getHistory(), []);
  },

  async 'wrong arguments are rejected by name, and nothing changes'(t) {
    const config = open(t, { persistPath: database(t) });
    await config.persist('one');
    await config.persist('two');
    const before = config.getDebugView();
    const safe = Number.MAX_SAFE_INTEGER;
    for (const [call, message] of [
      [() => config.persist('x', { ifRevison: 1 }), 'Unknown option: ifRevison. Available: actor, ifRevision'],
      [() => config.persist('x', null), 'Invalid options: null (must be an object)'],
      [() => config.persist('x', 'alice'), 'Invalid options: "alice" (must be an object)'],
      [() => config.persist('x', { ifRevision: -1 }), `Invalid ifRevision: -1 (must be 0-${safe})`],
      [() => config.persist('x', { ifRevision: 1.5 }), `Invalid ifRevision: 1.5 (must be 0-${safe})`],
      [() => config.persist('x', { ifRevision: '1' }), `Invalid ifRevision: "1" (must be 0-${safe})`],
      [() => config.persist('x', { ifRevision: null }), `Invalid ifRevision: null (must be 0-${safe})`],
      [() => config.persist('x', { actor: '' }), 'Invalid actor: "" (must not be empty)'],
      [() => config.persist('x', { actor: 7 }), 'Invalid actor: 7 (must be a string)'],
      [() => config.rollback(0), `Invalid revision: 0 (must be 1-${safe})`],
      [() => config.rollback(-1), `Invalid revision: -1 (must be 1-${safe})`],
      [() => config.rollback(Number.NaN), `Invalid revision: NaN (must be 1-${safe})`],
      [() => config.rollback(null), `Invalid revision: null (must be 1-${safe})`],
      [() => config.rollback(1n), `Invalid revision: 1n (must be 1-${safe})`],
      [() => config.rollback(1, { force: true }), 'Unknown option: force. Available: reason, actor, ifRevision'],
      [() => config.diff(1), `Invalid revision: undefined (must be 1-${safe})`],
      [() => config.diff('1', 2), `Invalid revision: "1" (must be 1-${safe})`],
      [() => config.getHistory(0), 'Invalid limit: 0 (must be 1-10000)'],
      [() => config.getHistory(10_001), 'Invalid limit: 10001 (must be 1-10000)'],
      [() => config.getHistory(Infinity), 'Invalid limit: Infinity (must be 1-10000)'],
      [() => config.getHistory('10'), 'Invalid limit: "10" (must be 1-10000)'],
      [() => config.getHistory(10, { before: 0 }), `Invalid before: 0 (must be 1-${safe})`],
      [() => config.getHistory(10, { after: 1 }), 'Unknown option: after. Available: before'],
      [() => config.getHistory(10, 5), 'Invalid options: 5 (must be an object)'],
    ]) {
      await assert.rejects(call(), (error) => {
        assert.equal(error.message, message);
        assert.ok(error instanceof (message.startsWith('Unknown') ? TypeError : Error));
        assert.match(error.code, /^ERR_(INVALID_TYPE|INVALID_VALUE|OUT_OF_RANGE|UNKNOWN_OPTION)$/);
        return true;
      });
    }
    assert.equal(config.getDebugView(), before);
    assert.equal((await config.getHistory()).length, 2);
  },

  async 'a state that is not valid is not persisted, and says what to correct'(t) {
    const config = open(t, { persistPath: database(t) });
    config.updateFromBuffer(new Uint8Array([1, 0, 0, 0, 0, 1, 8, 0, 0, 9, 0, 80, 0]));
    await assert.rejects(config.persist('bad'), {
      name: 'ConfigError',
      code: 'ERR_INVALID_STATE',
      message:
        'The state is not valid, so nothing was persisted: Invalid feature flags: no feature owns the bits 0x00000800; ' +
        'Invalid terminal mode: 9 (must be 0-3); Invalid rows: 0 (must be 1-255). Correct it, then persist again',
    });
    assert.deepEqual(await config.getHistory(), []);
    config.featureFlags = 1;
    config.setTerminalSettings(2, 24, 80);
    assert.deepEqual((await config.persist('good')).changes, ['+debug']);
  },

  async 'without a database everything about the history is refused'(t) {
    const config = open(t, {});
    for (const call of [
      () => config.persist('x'),
      () => config.load(),
      () => config.getHistory(),
      () => config.rollback(),
      () => config.diff(1, 2),
      () => config.promote('staging'),
    ]) {
      await assert.rejects(call(), {
        name: 'ConfigError',
        code: 'ERR_PERSISTENCE_DISABLED',
        message: 'Persistence not enabled. Initialize with persistPath option.',
      });
    }
  },

  async 'everything about the history rejects, and never throws'(t) {
    const config = open(t, {});
    for (const call of [
      () => config.persist(''),
      () => config.getHistory(0),
      () => config.rollback(0),
      () => config.diff(0, 0),
      () => config.promote(''),
    ]) {
      const promise = call();
      assert.ok(promise instanceof Promise);
      await assert.rejects(promise);
    }
  },
});

function open(t, options) {
  const config = createProductionConfig(options);
  t.after(() => config.close());
  return config;
}

function database(t) {
  return join(t.tempDir(), 'config.db');
}

async function tell(child, ...command) {
  child.send(JSON.stringify(command));
  return JSON.parse(await child.line());
}

function conflict(environment, actual, expected) {
  return (error) => {
    assert.equal(error.name, 'ConfigError');
    assert.equal(error.code, 'ERR_REVISION_CONFLICT');
    assert.deepEqual(CONFLICT.exec(error.message)?.slice(1), [environment, `${actual}`, `${expected}`]);
    return true;
  };
}

/** Whole numbers downwards. */
function range(from, to) {
  return Array.from({ length: from - to + 1 }, (_, index) => from - index);
}

const transactionsOf = (config) => config.getMetrics().store.commits.count;
