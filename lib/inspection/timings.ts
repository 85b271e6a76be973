import { isThenable } from '../core/checks';
import type { Timings } from '../types';

/** The part of Bun's global that this module uses. */
declare const Bun: { nanoseconds(): number } | undefined;

/** Nanoseconds since this module was loaded, by a monotonic clock. */
const nanoseconds: () => number = typeof Bun === 'undefined' ? nodeNanoseconds() : () => Bun.nanoseconds();

/** Counted from the load of this module, so that the number stays exact regardless of the machine's uptime. */
function nodeNanoseconds(): () => number {
  const start = process.hrtime.bigint();
  return () => Number(process.hrtime.bigint() - start);
}

/** Collects how long operations take. An operation that returns a promise ends when the promise settles. */
export class Stopwatch {
  readonly #totals = new Map<string, { calls: number; last: number; min: number; max: number; sum: number }>();

  time<Result>(operation: string, run: () => Result): Result {
    const start = nanoseconds();
    const stop = () => this.#add(operation, nanoseconds() - start);
    let result: Result;
    try {
      result = run();
    } catch (error) {
      stop();
      throw error;
    }
    if (isThenable(result)) result.then(stop, stop);
    else stop();
    return result;
  }

  #add(operation: string, elapsed: number): void {
    const total = this.#totals.get(operation);
    if (!total) {
      this.#totals.set(operation, { calls: 1, last: elapsed, min: elapsed, max: elapsed, sum: elapsed });
      return;
    }
    total.calls += 1;
    total.last = elapsed;
    total.min = Math.min(total.min, elapsed);
    total.max = Math.max(total.max, elapsed);
    total.sum += elapsed;
  }

  read(): Timings {
    return Object.fromEntries(
      [...this.#totals].map(([operation, { calls, last, min, max, sum }]) => [
        operation,
        { calls, totalNs: sum, lastNs: last, minNs: min, meanNs: Math.round(sum / calls), maxNs: max },
      ]),
    );
  }
}
