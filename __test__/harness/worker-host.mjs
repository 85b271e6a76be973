// @ts-check
import { Worker as ThreadWorker } from 'node:worker_threads';
import { trace } from './trace.mjs';

/**
 * @typedef {import('./suite.mjs').Suite} Suite
 * @typedef {import('./worker.mjs').Report} Report
 *
 * @typedef {object} WorkerEvents what a worker of either kind tells its parent
 * @property {(report: Report) => void} onReport
 * @property {(error: unknown) => void} onError
 * @property {(code: number) => void} onExit
 */

const workerUrl = new URL('./worker.mjs', import.meta.url);
/** Beyond the case's own limit, for a case that blocks its thread. */
const graceMs = 5000;
/** For the worker to end after its last case; below the 5 s that Bun gives a hook. */
const exitMs = 4000;

/**
 * Runs a suite's cases in one worker.
 *
 * @param {Suite} suite
 * @param {string} specUrl
 * @param {'worker' | 'web-worker'} kind
 */
export function runInWorker(suite, specUrl, kind) {
  const outcomes = new Map(Object.keys(suite.cases).map((name) => [name, deferred()]));
  const exit = deferred();
  /** @type {NodeJS.Timeout | undefined} */
  let watchdog;

  /** @param {string} reason */
  const failRest = (reason) => {
    for (const { reject } of outcomes.values()) reject(new Error(reason));
  };

  const start = kind === 'worker' ? startThreadWorker : startWebWorker;
  const worker = start(specUrl, {
    onReport(report) {
      clearTimeout(watchdog);
      if (report.type === 'started') {
        trace({ ...report, timeoutMs: suite.options.timeoutMs, at: Date.now() });
        watchdog = setTimeout(() => {
          failRest(`"${report.name}" blocked its worker, which had to be terminated`);
          void worker.terminate();
        }, suite.options.timeoutMs + graceMs);
        return;
      }
      trace({ type: report.type, name: report.name });
      if (report.type === 'passed') outcomes.get(report.name)?.resolve();
      else outcomes.get(report.name)?.reject(asError(report.error));
    },
    onError(error) {
      failRest(`The worker failed: ${error instanceof Error ? error.stack : String(error)}`);
      exit.reject(new Error('The worker failed outside its cases'));
    },
    onExit(code) {
      clearTimeout(watchdog);
      failRest(`The worker exited with ${code} before it reported this case`);
      if (code === 0) exit.resolve();
      else exit.reject(new Error(`The worker exited with ${code}`));
    },
  });

  return {
    /**
     * Settles as the case did in the worker.
     *
     * @param {string} name
     */
    async outcome(name) {
      await outcomes.get(name)?.promise;
    },
    /** Waits until the worker is gone by itself: after its last case nothing may keep it alive. */
    async end() {
      const timer = setTimeout(() => {
        exit.reject(new Error('The worker stayed alive after its last case'));
        void worker.terminate();
      }, exitMs);
      try {
        await exit.promise;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/**
 * @param {string} specUrl
 * @param {WorkerEvents} events
 */
function startThreadWorker(specUrl, { onReport, onError, onExit }) {
  const worker = new ThreadWorker(workerUrl, { env: { ...process.env, SPEC_WORKER_URL: specUrl } });
  worker.on('message', onReport).on('error', onError).on('exit', onExit);
  return worker;
}

/**
 * Bun's own kind, whose exit is a `close` event.
 *
 * @param {string} specUrl
 * @param {WorkerEvents} events
 */
function startWebWorker(specUrl, { onReport, onError, onExit }) {
  const { Worker } = /** @type {any} */ (globalThis);
  const worker = new Worker(workerUrl, { env: { ...process.env, SPEC_WORKER_URL: specUrl } });
  worker.addEventListener('message', (/** @type {any} */ event) => onReport(event.data));
  worker.addEventListener('error', (/** @type {any} */ event) => onError(event.error ?? event.message));
  worker.addEventListener('close', (/** @type {any} */ event) => onExit(event.code));
  return worker;
}

/**
 * An error made of a worker's description of one.
 *
 * @param {string} description
 */
function asError(description) {
  const error = new Error(description.split('\n', 1)[0]);
  error.stack = description;
  return error;
}

/** A promise with its handles. A rejection that nobody awaits yet is not an error. */
function deferred() {
  /** @type {{ resolve: () => void, reject: (error: Error) => void } | undefined} */
  let handles;
  /** @type {Promise<void>} */
  const promise = new Promise((resolve, reject) => {
    handles = { resolve, reject };
  });
  promise.catch(() => {});
  return { promise, .../** @type {NonNullable<typeof handles>} */ (handles) };
}
