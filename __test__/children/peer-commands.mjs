// What a peer does when it is told to: `["enableFeature", "debug"]` calls a member of its config; the commands below
// open one, listen to it and wait for what it hears.
import { closeSync, openSync, rmSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { attachConfig, createDevelopmentConfig, createProductionConfig } from '13byte-config';

function nobodyWaits() {}

/** A fresh peer. `startThread` starts a peer in another thread, for nested ones. */
export function makePeer(startThread) {
  let config;
  /** What was heard since `listen`, and the features that this adds up to. */
  let changes = [];
  let features = new Set();
  let heard = nobodyWaits;
  let crowd = [];
  const descriptors = [];

  const commands = {
    open(options) {
      config = createProductionConfig(options);
      return config.toHex();
    },
    develop(options) {
      config = createDevelopmentConfig(options);
      return config.toHex();
    },
    attach(handle) {
      config = attachConfig(handle);
      return config.toHex();
    },
    get: (property) => config[property],
    set(property, value) {
      config[property] = value;
    },
    /** As a commit. */
    commitSet: (name, on, reason) => config.commit((draft) => draft.set(name, on), reason),
    update(names, terminal) {
      return config.update((draft) => {
        draft.enable(...names);
        draft.terminal(...terminal);
      });
    },
    /** The handle as JSON leaves it, for other processes. */
    handle: () => JSON.parse(JSON.stringify({ ...config.share(), buffer: undefined })),
    /**
     * From here on no interval comes up, so that a page is looked at only by those who are told. To be called before a
     * config is opened: the package takes the functions of the module at its first timer, where the globals are others.
     */
    stopTheClock() {
      const { setTimeout } = globalThis;
      globalThis.setTimeout = (...args) => setTimeout(...args);
      process.getBuiltinModule('node:timers').setInterval = () => ({ unref: nobodyWaits });
    },
    listen() {
      features = new Set(config.getEnabledFeatures());
      changes = [];
      config.on('change', (change) => {
        changes.push(change);
        for (const name of change.enabled) features.add(name);
        for (const name of change.disabled) features.delete(name);
        heard();
      });
    },
    /** Waits until what was heard adds up to these features, and returns all of it. */
    async hears(names) {
      const wanted = names.toSorted().join();
      while ([...features].toSorted().join() !== wanted) {
        await new Promise((resolve) => {
          heard = resolve;
        });
      }
      return changes.splice(0);
    },
    /** Turns a feature around, so many times. */
    flip(name, times) {
      for (let time = 0; time < times; time += 1) config.toggleFeature(name);
    },
    /** Turns it around, and returns for how many milliseconds that took. */
    timeFlip(name) {
      const started = performance.now();
      config.toggleFeature(name);
      return performance.now() - started;
    },
    /** Reads until a feature is as wanted. */
    async sees(name, on) {
      while (config.isFeatureEnabled(name) !== on) await setImmediate();
      return config.getEnabledFeatures();
    },
    /** Has a thread of this thread attach and do these commands. */
    async nest(handle, ...list) {
      const thread = startThread(new URL('./peer-thread.mjs', import.meta.url));
      try {
        const results = [];
        for (const command of [['attach', handle], ...list]) results.push(await thread.tell(...command));
        return results;
      } finally {
        await thread.stop();
      }
    },
    /** The config's own handle, given to a thread of this thread. */
    share: (...list) => commands.nest(config.share(), ...list),
    /** In one turn. */
    listenAndRemove(directory) {
      commands.listen();
      rmSync(directory, { recursive: true });
    },
    listenAndDropPrivileges() {
      commands.listen();
      return commands.dropPrivileges();
    },
    useUpDescriptors() {
      try {
        for (;;) descriptors.push(openSync('/dev/null', 'r'));
      } catch (error) {
        if (error.code !== 'EMFILE') throw error;
      }
    },
    giveBackDescriptors() {
      for (const descriptor of descriptors.splice(0)) closeSync(descriptor);
    },
    /** Many configs that listen, each for itself. */
    crowd(options, size) {
      crowd = Array.from({ length: size }, () => {
        const member = { config: createProductionConfig(options), changes: 0 };
        member.config.on('change', () => {
          member.changes += 1;
          heard();
        });
        return member;
      });
    },
    /** Waits until each of them has heard of so many changes. */
    async crowdHears(count) {
      while (crowd.some((member) => member.changes < count)) {
        await new Promise((resolve) => {
          heard = resolve;
        });
      }
    },
    dropPrivileges() {
      if (process.getuid() !== 0) return false;
      process.setgid(65_534);
      process.setuid(65_534);
      return true;
    },
  };

  /** Answers `{ id, command }` with `{ id, result }` or `{ id, error }`. */
  return async ({ id, command: [name, ...args] }) => {
    try {
      const result = await (Object.hasOwn(commands, name) ? commands[name](...args) : config[name](...args));
      // What is chained on a config is not for the way back.
      return { id, result: result === config ? undefined : result };
    } catch (error) {
      return { id, error: { name: error.name, code: error.code, message: error.message } };
    }
  };
}
