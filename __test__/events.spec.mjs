import assert from 'node:assert/strict';
import { EventEmitter, on, once } from 'node:events';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { attachConfig, createProductionConfig } from '13byte-config';
import { collectGarbage } from './children/collect-garbage.mjs';
import { startProcess, startThread } from './children/peers.mjs';
import { suite } from './harness/suite.mjs';

const NAMES = ['a', 'b', 'c', 'd'];

export default suite('events', {
  async 'a change says what went on and off, in bit order'(t) {
    const config = open(t);
    config.enableFeature('d');
    const changed = once(config, 'change');
    config.update((draft) => {
      draft.enable('c', 'a');
      draft.disable('d');
      draft.terminal(1, 50, 120);
    });
    const [change] = await changed;
    assert.deepEqual(change, {
      enabled: ['a', 'c'],
      disabled: ['d'],
      terminal: { from: { mode: 2, rows: 24, cols: 80 }, to: { mode: 1, rows: 50, cols: 120 } },
      generation: 2,
      local: true,
    });
  },

  async 'only what was changed is mentioned'(t) {
    const config = open(t);
    const first = once(config, 'change');
    config.enableFeature('b');
    assert.deepEqual((await first)[0], { enabled: ['b'], disabled: [], generation: 1, local: true });
    const second = once(config, 'change');
    config.rows = 7;
    assert.deepEqual((await second)[0], {
      enabled: [],
      disabled: [],
      terminal: { from: { mode: 2, rows: 24, cols: 80 }, to: { mode: 2, rows: 7, cols: 80 } },
      generation: 2,
      local: true,
    });
  },

  async 'a change is local only if all of it was made through this config'(t) {
    const config = open(t);
    const twin = attach(t, config);
    const cases = [
      [() => config.enableFeature('a'), true, false],
      [() => twin.enableFeature('b'), false, true],
      [
        () => {
          config.disableFeature('a');
          twin.disableFeature('b');
        },
        false,
        false,
      ],
      [
        () => {
          config.enableFeature('a');
          config.rows = 3;
        },
        true,
        false,
      ],
      [
        () => {
          config.enableFeature('b');
          twin.rows = 4;
        },
        false,
        false,
      ],
      [
        () => {
          config.rows = 5;
          twin.enableFeature('c');
        },
        false,
        false,
      ],
      [() => config.setTerminalSettings(3, 9, 9), true, false],
      [() => twin.setTerminalSettings(2, 24, 80), false, true],
      [() => config.updateFromBuffer(withFeature(twin.getCore(), 3)), true, false],
      [
        () => {
          config.featureFlags = 0;
        },
        true,
        false,
      ],
      [
        () =>
          config.update((draft) => {
            draft.enable('a', 'b');
            draft.terminal(1, 2, 3);
          }),
        true,
        false,
      ],
      // Who did it last counts, and what another one undid is no change at all.
      [
        () => {
          config.disableFeature('a');
          twin.enableFeature('a');
          config.disableFeature('a');
        },
        true,
        false,
      ],
      [
        () => {
          config.enableFeature('d');
          config.enableFeature('c');
          twin.disableFeature('d');
        },
        true,
        false,
      ],
    ];
    for (const [change, local, localToTwin] of cases) {
      const both = Promise.all([once(config, 'change'), once(twin, 'change')]);
      change();
      const [[own], [others]] = await both;
      assert.deepEqual([own.local, others.local], [local, localToTwin], String(change));
      assert.deepEqual({ ...own, local: 0 }, { ...others, local: 0 });
    }
  },

  async 'a flip that is undone before anybody looks is no change'(t) {
    const config = open(t);
    const heard = [];
    config.on('change', (change) => heard.push(change));
    config.enableFeature('a');
    config.disableFeature('a');
    config.enableFeature('b');
    config.enableFeature('b');
    while (heard.length === 0) await setImmediate();
    assert.deepEqual(heard, [{ enabled: ['b'], disabled: [], generation: 3, local: true }]);
  },

  async 'changes in quick succession come as few, and the last state is never missed'(t) {
    const config = open(t);
    for (let round = 1; round <= 200; round += 1) {
      const changed = once(config, 'change');
      for (let count = 0; count < 101; count += 1) config.toggleFeature('a');
      const [{ enabled, disabled, generation }] = await changed;
      assert.deepEqual([enabled, disabled], round % 2 === 1 ? [['a'], []] : [[], ['a']]);
      assert.equal(generation, round * 101);
    }
  },

  async 'load and rollback are foreign changes'(t) {
    const persistPath = join(t.tempDir(), 'config.db');
    const config = open(t, { persistPath });
    config.enableFeature('a');
    await config.persist('a');
    config.disableFeature('a');
    config.enableFeature('b');
    await config.persist('b');
    for (const [change, expected] of [
      [() => config.rollback(), { enabled: ['a'], disabled: ['b'] }],
      [() => config.rollback(2), { enabled: ['b'], disabled: ['a'] }],
    ]) {
      const changed = once(config, 'change');
      await change();
      const [{ enabled, disabled, local }] = await changed;
      assert.deepEqual({ enabled, disabled, local }, { ...expected, local: false });
    }
    await flip(config, 'c');
    const loaded = once(config, 'change');
    await config.load();
    const [{ disabled, local }] = await loaded;
    assert.deepEqual({ disabled, local }, { disabled: ['c'], local: false });
  },

  async 'changes made in another thread are heard'(t) {
    const config = open(t);
    const thread = peer(t, startThread());
    await thread.tell('attach', config.share());
    const changed = once(config, 'change');
    await thread.tell('enableFeature', 'c');
    const [change] = await changed;
    assert.deepEqual(change, { enabled: ['c'], disabled: [], generation: 1, local: false });

    await thread.tell('listen');
    config.disableFeature('c');
    config.enableFeature('a');
    const [heard] = await thread.tell('hears', ['a']);
    assert.equal(heard.local, false);
  },

  async 'changes made in another process are heard, by everybody but as local by one'(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync: true };
    const config = open(t, options);
    const [first, second] = [peer(t, startProcess()), peer(t, startProcess())];
    for (const process of [first, second]) {
      await process.tell('open', options);
      await process.tell('listen');
    }
    const changed = once(config, 'change');
    await first.tell('update', ['a', 'c'], [1, 11, 11]);
    const [change] = await changed;
    assert.deepEqual([change.enabled, change.local], [['a', 'c'], false]);
    assert.deepEqual(change.terminal.to, { mode: 1, rows: 11, cols: 11 });
    assert.deepEqual(
      (await first.tell('hears', ['a', 'c'])).map(({ local }) => local),
      [true],
    );
    assert.deepEqual(
      (await second.tell('hears', ['a', 'c'])).map(({ local }) => local),
      [false],
    );
    config.disableFeature('a');
    for (const process of [first, second]) {
      assert.deepEqual(
        (await process.tell('hears', ['c'])).map(({ local }) => local),
        [false],
      );
    }
  },

  async 'what a busy thread and a busy process changed adds up to the last state'(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync: true };
    const config = open(t, options);
    const sum = new Set();
    config.on('change', ({ enabled, disabled }) => {
      for (const name of enabled) {
        assert.ok(!sum.has(name));
        sum.add(name);
      }
      for (const name of disabled) assert.ok(sum.delete(name));
    });
    const [thread, process] = [peer(t, startThread()), peer(t, startProcess())];
    await thread.tell('attach', config.share());
    await process.tell('open', options);
    await process.tell('listen');
    const flips = [thread.tell('flip', 'a', 30_001), process.tell('flip', 'b', 30_001)];
    for (let round = 0; round < 301; round += 1) {
      config.toggleFeature('c');
      await setImmediate();
    }
    await Promise.all(flips);
    assert.deepEqual(config.getEnabledFeatures(), ['a', 'b', 'c']);
    await process.tell('hears', ['a', 'b', 'c']);
    while (sum.size < 3) await setImmediate();
    assert.equal(config.getDebugView().generation, 60_303);
  },

  async 'a config is an EventEmitter'(t) {
    const config = open(t);
    assert.ok(config instanceof EventEmitter);
    const told = [];
    const listener = () => told.push('on');
    assert.equal(config.on('change', listener), config);
    assert.equal(
      config.once('change', () => told.push('once')),
      config,
    );
    assert.equal(config.addListener('change', listener), config);
    assert.equal(
      config.prependListener('change', () => told.push('first')),
      config,
    );
    assert.equal(config.listenerCount('change'), 4);
    assert.deepEqual(config.eventNames(), ['change']);

    await flip(config);
    assert.deepEqual(told.splice(0), ['first', 'on', 'once', 'on']);
    assert.equal(config.listenerCount('change'), 3);

    assert.equal(config.off('change', listener), config);
    await flip(config);
    assert.deepEqual(told.splice(0), ['first', 'on']);

    assert.equal(config.removeListener('change', listener), config);
    await flip(config);
    assert.deepEqual(told.splice(0), ['first']);

    assert.equal(config.removeAllListeners('change'), config);
    assert.equal(config.listenerCount('change'), 0);
    await flip(config);
    assert.deepEqual(told, []);
    config.on('change', listener).removeAllListeners();
    assert.equal(config.listenerCount('change'), 0);
    config.on('change', listener);
    await flip(config);
    assert.deepEqual(told, ['on'], 'and it can be listened to again');
  },

  async 'events.on gives the changes in a loop'(t) {
    const config = open(t);
    const end = new AbortController();
    const seen = [];
    const loop = (async () => {
      for await (const [change] of on(config, 'change', { signal: end.signal })) {
        seen.push(...change.enabled);
        if (seen.length === 3) end.abort();
        else config.enableFeature(NAMES[seen.length]);
      }
    })();
    config.enableFeature('a');
    await assert.rejects(loop, { name: 'AbortError' });
    assert.deepEqual(seen, ['a', 'b', 'c']);
    assert.equal(config.listenerCount('change'), 0);
  },

  async 'a listener may take others away, add some, or close the config'(t) {
    const config = open(t);
    const told = [];
    const last = () => told.push('last');
    config.once('change', () => {
      config.off('change', last);
      config.on('change', () => told.push('added'));
    });
    config.on('change', last);
    await flip(config);
    await flip(config);
    // As with every emitter, an event goes to those who listened when it began.
    assert.deepEqual(told.splice(0), ['last', 'added']);

    const closing = open(t);
    const other = attach(t, closing);
    closing.once('change', () => closing.destroy());
    closing.on('change', () => told.push('of the closed one'));
    await flip(other);
    await flip(other);
    assert.deepEqual(told, ['of the closed one']);
  },

  async 'no event comes after close'(t) {
    const config = createProductionConfig({ features: NAMES });
    const witness = attach(t, config);
    let count = 0;
    config.on('change', () => {
      count += 1;
    });
    config.enableFeature('a');
    const closed = config.close();
    await flip(witness);
    await closed;
    await flip(witness);
    await setImmediate();
    assert.equal(count, 0, 'not even of the change before');
    const use = { code: 'ERR_CLOSED' };
    for (const method of ['on', 'once', 'addListener', 'prependListener']) {
      assert.throws(() => config[method]('change', () => {}), use, method);
    }
    assert.throws(() => config.ref(), use);
    assert.throws(() => config.unref(), use);
    await assert.rejects(config.changes().next(), use);
    // Cleaning up is allowed.
    assert.equal(
      config.off('change', () => {}),
      config,
    );
    assert.equal(config.removeAllListeners(), config);
    assert.equal(config.listenerCount('change'), 0);
  },

  async 'each of many configs hears its own changes only'(t) {
    const configs = Array.from({ length: 200 }, () => open(t));
    const heard = configs.map(() => 0);
    configs.forEach((config, index) =>
      config.on('change', ({ enabled }) => {
        assert.deepEqual(enabled, ['b']);
        heard[index] += 1;
      }),
    );
    const odd = configs.filter((_, index) => index % 2 === 1);
    for (const config of odd) config.enableFeature('b');
    while (heard.reduce((sum, count) => sum + count) < 100) await setImmediate();
    assert.deepEqual(
      heard,
      configs.map((_, index) => index % 2),
    );
  },

  async 'changes() gives what has changed since the last round'(t) {
    const config = open(t);
    const seen = [];
    config.enableFeature('a');
    const changes = config.changes();
    const first = changes.next();
    config.enableFeature('b');
    seen.push((await first).value);
    // While nobody asks, changes come together.
    for (const name of ['c', 'd']) {
      await flip(config, name);
    }
    config.rows = 9;
    seen.push((await changes.next()).value);
    assert.deepEqual(
      seen.map(({ enabled, terminal, local }) => [enabled, terminal?.to.rows, local]),
      [
        [['b'], undefined, true],
        [['c', 'd'], 9, true],
      ],
    );
    assert.equal(config.listenerCount('change'), 0);
    await changes.return();
    assert.deepEqual(await changes.next(), { value: undefined, done: true });
  },

  async 'changes() ends when the config is closed, also in the midst of waiting'(t) {
    const config = createProductionConfig({ features: NAMES });
    const writer = attach(t, config);
    const seen = [];
    const loop = (async () => {
      for await (const { enabled } of config.changes()) seen.push(...enabled);
      return 'ended';
    })();
    const waiting = config.changes().next();
    const heard = once(config, 'change');
    writer.enableFeature('c');
    await heard;
    await waiting;
    const next = (async () => {
      for await (const change of config.changes()) assert.fail(`after the last change: ${change}`);
    })();
    await config.close();
    assert.equal(await loop, 'ended');
    await next;
    assert.deepEqual(seen, ['c']);
  },

  async 'changes() throws the reason of its signal'(t) {
    const config = open(t);
    const reason = new Error('enough');
    const end = new AbortController();
    const waiting = config.changes({ signal: end.signal }).next();
    end.abort(reason);
    await assert.rejects(waiting, reason);
    await assert.rejects(config.changes({ signal: end.signal }).next(), reason, 'aborted before');

    const during = new AbortController();
    const seen = [];
    config.enableFeature('a');
    await assert.rejects(
      async () => {
        const changes = config.changes({ signal: during.signal });
        queueMicrotask(() => config.enableFeature('b'));
        for await (const { enabled } of changes) {
          seen.push(enabled);
          config.enableFeature('c');
          during.abort();
        }
      },
      { name: 'AbortError' },
    );
    assert.deepEqual(seen, [['b']]);
  },

  async 'changes() ends at once while it waits, by return() and throw()'(t) {
    const config = open(t);
    const ended = { value: undefined, done: true };
    const returned = config.changes();
    const waiting = [returned.next(), returned.next()];
    assert.deepEqual(await returned.return(), ended);
    assert.deepEqual(await Promise.all(waiting), [ended, ended]);
    assert.deepEqual(await returned.next(), ended);

    const thrown = config.changes();
    const next = thrown.next();
    const reason = new Error('enough');
    await assert.rejects(thrown.throw(reason), reason);
    assert.deepEqual([await next, await thrown.next()], [ended, ended]);

    const untouched = config.changes();
    assert.deepEqual([await untouched.return(), await untouched.next()], [ended, ended]);
    await assert.rejects(config.changes().throw(reason), reason);
    assert.equal(config.getMetrics().changes.local, 0);
  },

  async 'changes() answers its calls in their order, and only the first with a failure'(t) {
    const config = open(t);
    const changes = config.changes();
    const order = [];
    const all = [1, 2, 3].map((call) =>
      changes.next().then(({ value, done }) => order.push([call, value?.enabled, done])),
    );
    config.enableFeature('a');
    await all[0];
    config.enableFeature('b');
    await all[1];
    await changes.return();
    await all[2];
    assert.deepEqual(order, [
      [1, ['a'], false],
      [2, ['b'], false],
      [3, undefined, true],
    ]);

    const end = new AbortController();
    const aborted = config.changes({ signal: end.signal });
    const waiting = [aborted.next(), aborted.next()];
    end.abort(new Error('enough'));
    await assert.rejects(waiting[0], { message: 'enough' });
    assert.deepEqual(
      [await waiting[1], await aborted.next()].map(({ done }) => done),
      [true, true],
    );
  },

  async 'changes() is an async generator as others are'(t) {
    const config = open(t);
    const changes = config.changes();
    assert.equal(changes[Symbol.asyncIterator](), changes);
    const prototypeOf = Object.getPrototypeOf;
    const shared = prototypeOf(prototypeOf(async function* () {}.prototype));
    assert.ok(prototypeOf(shared).isPrototypeOf(changes));
    const waiting = changes.next();
    await changes[Symbol.asyncDispose]();
    assert.equal((await waiting).done, true);

    const streams = Array.from({ length: 20 }, () => Readable.from(config.changes()).resume());
    await flip(config);
    await Promise.all(
      streams.map((stream, index) => {
        const closed = new Promise((resolve) => {
          stream.on('error', () => {}).once('close', resolve);
        });
        stream.destroy(index % 2 === 0 ? undefined : new Error('gone'));
        return closed;
      }),
    );
  },

  async '50,000 subscribers that come and go leave no memory behind'(t) {
    const config = open(t);
    const { signal } = new AbortController();
    const witness = config.changes();
    const last = witness.next();
    const round = async (count) => {
      for (let done = 0; done < count; done += 500) {
        const loops = Array.from({ length: 500 }, () => config.changes({ signal }));
        const waiting = loops.map((loop) => loop.next());
        await Promise.all(
          loops.map((loop, index) => (index % 2 === 0 ? loop.return() : loop.throw(new Error('gone')).catch(() => {}))),
        );
        await Promise.all(waiting);
      }
      await setImmediate();
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    await round(5000);
    const before = await round(5000);
    const after = await round(50_000);
    // A subscriber that stays costs more than 1,000 bytes.
    assert.ok(after - before < 5e6, `${after - before} bytes`);
    config.enableFeature('a');
    assert.deepEqual((await last).value.enabled, ['a']);
    await witness.return();
  },

  async 'changes() checks its options'(t) {
    const config = open(t);
    for (const [options, code] of [
      [{ signal: 'stop' }, 'ERR_INVALID_TYPE'],
      [{ signal: {} }, 'ERR_INVALID_TYPE'],
      [{ sginal: undefined }, 'ERR_UNKNOWN_OPTION'],
      [null, 'ERR_INVALID_TYPE'],
      ['change', 'ERR_INVALID_TYPE'],
    ]) {
      await assert.rejects(config.changes(options).next(), { code }, JSON.stringify(options));
    }
  },

  async 'what a listener throws goes to uncaughtException, and the others are told'(t) {
    const child = t.spawn(`
      import { writeSync } from 'node:fs';
      import { attachConfig, createProductionConfig } from '13byte-config';
      const config = createProductionConfig();
      const twin = attachConfig(config.share());
      const print = (line) => writeSync(1, line + '\\n');
      process.on('uncaughtException', (error) => print('uncaught ' + error.message));
      config.ref();
      let round = 0;
      config.on('change', ({ enabled }) => {
        round += 1;
        if (round === 1) throw new Error('from a listener');
        print('same config ' + enabled);
      });
      twin.on('change', ({ enabled }) => print('other config ' + enabled));
      (async () => { for await (const { enabled } of config.changes()) print('loop ' + enabled); })();
      config.enableFeature('debug');
      process.stdin.once('data', () => {
        config.enableFeature('metrics');
        process.stdin.once('data', () => { config.close(); twin.close(); process.stdin.destroy(); });
      });
    `);
    const first = [await child.line(), await child.line(), await child.line()];
    assert.deepEqual(first.toSorted(), ['loop debug', 'other config debug', 'uncaught from a listener']);
    child.send('on');
    const second = [await child.line(), await child.line(), await child.line()];
    assert.deepEqual(second.toSorted(), ['loop metrics', 'other config metrics', 'same config metrics']);
    child.send('end');
    assert.equal((await child.exited).code, 0);
  },

  async 'each listener of a config is called, whichever of them throw'(t) {
    const child = t.spawn(`
      import { writeSync } from 'node:fs';
      import { createProductionConfig } from '13byte-config';
      const config = createProductionConfig().ref();
      const print = (line) => writeSync(1, line + '\\n');
      process.on('uncaughtException', (error) => print('uncaught ' + error.message));
      config.once('change', () => { throw new Error('once'); });
      const removed = () => print('removed');
      config.on('change', () => { config.off('change', removed); throw new Error('on'); });
      config.on('change', removed);
      config.prependListener('change', () => { throw new Error('first'); });
      config.on('change', ({ enabled }) => print('last ' + enabled));
      config.enableFeature('debug');
      process.stdin.once('data', () => {
        config.enableFeature('metrics');
        process.stdin.once('data', () => { config.close(); process.stdin.destroy(); });
      });
    `);
    const lines = async (count) => {
      const heard = [];
      while (heard.length < count) heard.push(await child.line());
      return heard;
    };
    assert.deepEqual(await lines(5), ['removed', 'last debug', 'uncaught first', 'uncaught once', 'uncaught on']);
    child.send('on');
    assert.deepEqual(await lines(3), ['last metrics', 'uncaught first', 'uncaught on'], 'each error once');
    child.send('end');
    assert.equal((await child.exited).code, 0);
  },

  async 'without a handler, what a listener throws ends the process'(t) {
    const child = t.spawn(`
      import { createProductionConfig } from '13byte-config';
      const config = createProductionConfig().ref();
      config.on('change', () => { throw new Error('nobody handles this'); });
      config.enableFeature('debug');
    `);
    const { code, stderr } = await child.exited;
    assert.notEqual(code, 0);
    assert.match(stderr, /nobody handles this/);
  },

  ...Object.fromEntries(
    [
      ['listens', `config.on('change', () => {});`],
      ['loops over changes', `(async () => { for await (const change of config.changes()) console.log(change); })();`],
      ['waits with events.once', `once(config, 'change');`],
      ['was held and is not any more', `config.on('change', () => {}).ref().unref();`],
      ['was held and closed', `config.on('change', () => {}).ref(); config.close();`],
      ['listens to a change it made', `config.on('change', () => {}); config.enableFeature('debug');`],
    ].flatMap(([what, code]) =>
      [false, true].map((enableClusterSync) => [
        `a process that ${what}${enableClusterSync ? ' in a cluster' : ''} and has nothing else to do ends`,
        async (t) => {
          const child = t.spawn(`
        import { once } from 'node:events';
        import { createProductionConfig } from '13byte-config';
        const config = createProductionConfig(${JSON.stringify({ persistPath: join(t.tempDir(), 'config.db'), enableClusterSync })});
        ${code}
        process.on('exit', (code) => console.log('exit', code));
      `);
          assert.equal(await child.line(), 'exit 0');
          const { code: exitCode, signal, stderr } = await child.exited;
          assert.deepEqual({ exitCode, signal, stderr }, { exitCode: 0, signal: null, stderr: '' });
        },
      ]),
    ),
  ),

  async 'a process that is held lives until it is released or its config closed'(t) {
    const options = { persistPath: join(t.tempDir(), 'config.db'), enableClusterSync: true };
    const config = open(t, options);
    for (const end of ['config.unref()', 'config.close()']) {
      const child = t.spawn(`
        import { createProductionConfig } from '13byte-config';
        const config = createProductionConfig(${JSON.stringify(options)});
        config.ref().on('change', ({ enabled, disabled }) => {
          console.log('heard', enabled.join(), disabled.join());
          if (enabled.includes('b')) ${end};
        });
        console.log('listens');
      `);
      assert.equal(await child.line(), 'listens');
      config.enableFeature('a');
      assert.equal(await child.line(), 'heard a ');
      config.enableFeature('b');
      assert.equal(await child.line(), 'heard b ');
      assert.equal((await child.exited).code, 0);
      config.featureFlags = 0;
    }
  },

  async 'a thread that listens and has nothing else to do ends'(t) {
    const child = t.spawn('listening-threads.mjs');
    assert.equal(await child.line(), 'ended 0 0 0');
    assert.equal((await child.exited).code, 0);
  },
});

function open(t, options) {
  const config = createProductionConfig({ features: NAMES, ...options });
  t.after(() => config.close());
  return config;
}

function attach(t, config) {
  const twin = attachConfig(config.share());
  t.after(() => twin.close());
  return twin;
}

function peer(t, started) {
  t.after(() => started.stop());
  return started;
}

/** Flips a feature, and waits until that is heard. */
async function flip(config, name = 'a') {
  const changed = config.changes();
  const next = changed.next();
  config.toggleFeature(name);
  await next;
  await changed.return();
}

function withFeature(core, bit) {
  core.setFeature(bit, true);
  return core.toBuffer();
}
