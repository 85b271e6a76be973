import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {import('./view.mjs').View} View
 * @typedef {import('./view.mjs').Change} Change
 * @typedef {Awaited<ReturnType<typeof startMember>>} Member
 */

const program = fileURLToPath(new URL('member.mjs', import.meta.url));

/**
 * Starts a process of the cluster.
 *
 * @param {string} persistPath
 * @param {number} number
 */
export async function startMember(persistPath, number) {
  const child = fork(program, [persistPath, String(number)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  /** @type {Map<number, (result: any) => void>} */
  const questions = new Map();
  /** @type {Change[]} */
  let changes = [];
  /** @type {(() => void) | undefined} */
  let onChange;
  /** @type {((value?: undefined) => void) | undefined} */
  let ready;
  const started = new Promise((resolve) => {
    ready = resolve;
  });
  /** @type {Promise<string>} */
  const ended = new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? String(code)));
  });
  child.on('message', (/** @type {any} */ message) => {
    if (message.ready) ready?.();
    else if (message.change) {
      changes.push(message.change);
      onChange?.();
    } else questions.get(message.id)?.(message.result);
  });
  await Promise.race([
    started,
    ended.then((how) => {
      throw new Error(`Process ${number} has ended with ${how}`);
    }),
  ]);

  return {
    number,
    pid: child.pid ?? 0,
    ended,
    kill: () => void child.kill('SIGKILL'),

    /**
     * Has it do a task, and resolves with what comes of it.
     *
     * @param {'look' | 'enable' | 'race' | 'persist'} task
     * @param {unknown[]} args
     * @returns {Promise<any>}
     */
    ask: (task, ...args) =>
      new Promise((resolve) => {
        const id = questions.size;
        questions.set(id, resolve);
        child.send({ id, task, args });
      }),

    /**
     * Resolves with what each of its three threads was told, as soon as all were told of these features.
     *
     * @param {readonly string[]} names
     * @returns {Promise<Change[]>}
     */
    told: (names) =>
      new Promise((resolve) => {
        onChange = () => {
          const found = [0, 1, 2].map((thread) =>
            mergeChanges(
              changes.filter((change) => change.thread === thread),
              names,
            ),
          );
          if (found.some((change) => change === undefined)) return;
          changes = [];
          onChange = undefined;
          resolve(/** @type {Change[]} */ (found));
        };
        onChange();
      }),
  };
}

/**
 * What a thread was told may have come in several changes.
 *
 * @param {Change[]} changes of one thread
 * @param {readonly string[]} names
 * @returns {Change | undefined} nothing while it was not told of all
 */
function mergeChanges(changes, names) {
  const enabled = names.filter((name) => changes.some((change) => change.enabled.includes(name)));
  if (enabled.length < names.length) return undefined;
  return { thread: changes[0]?.thread ?? 0, enabled, local: changes.every(({ local }) => local) };
}
