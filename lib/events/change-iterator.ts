import type { ChangeSource, Listening } from './listening';
import type { ConfigChange } from '../types';

/** The source of an iterator. */
interface Subscription<Name extends string> {
  readonly listening: Listening<Name>;
  readonly signal: AbortSignal | undefined;
}

type Result<Name extends string> = IteratorResult<ConfigChange<Name>, void>;

/** A pending call of `next()`. */
interface Request<Name extends string> {
  resolve(result: Result<Name>): void;
  reject(reason: unknown): void;
}

/**
 * The changes from the first call of `next()` on. Changes that arrive while the consumer is busy are combined.
 *
 * It behaves like an async generator with one exception: a generator function that awaits the next change answers
 * `return()` and `throw()` only after that change. Here they end the subscription immediately.
 */
export class ChangeIterator<Name extends string> implements AsyncGenerator<ConfigChange<Name>, void, void> {
  /** Set until the first call of `next()`. */
  #subscribe: (() => Subscription<Name>) | undefined;
  #source: ChangeSource<Name> | undefined;
  #signal: AbortSignal | undefined;
  #hasChanged = false;
  #hasEnded = false;
  /** The error with which the next call of `next()` rejects. */
  #failure: { readonly reason: unknown } | undefined;
  #requests: Request<Name>[] = [];

  /** `subscribe` throws if the config is closed. */
  constructor(subscribe: () => Subscription<Name>) {
    this.#subscribe = subscribe;
  }

  next(): Promise<Result<Name>> {
    return new Promise((resolve, reject) => {
      if (this.#subscribe) this.#start(this.#subscribe);
      const failure = this.#failure;
      if (failure) {
        this.#failure = undefined;
        reject(failure.reason);
      } else if (this.#hasEnded) {
        resolve({ value: undefined, done: true });
      } else {
        this.#requests.push({ resolve, reject });
        this.#answer();
      }
    });
  }

  async return(value: void | PromiseLike<void>): Promise<Result<Name>> {
    this.#end();
    return { value: await value, done: true };
  }

  async throw(error: unknown): Promise<Result<Name>> {
    this.#end();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #start(subscribe: () => Subscription<Name>): void {
    this.#subscribe = undefined;
    // If any of this throws, the iterator has ended.
    this.#hasEnded = true;
    const { listening, signal } = subscribe();
    signal?.throwIfAborted();
    this.#source = listening.open(
      () => {
        this.#hasChanged = true;
        this.#answer();
      },
      () => this.#end(),
    );
    signal?.addEventListener('abort', this.#abort);
    this.#signal = signal;
    this.#hasEnded = false;
  }

  #answer(): void {
    while (this.#hasChanged && this.#requests.length > 0) {
      this.#hasChanged = false;
      const change = this.#source?.take();
      if (change) this.#requests.shift()?.resolve({ value: change, done: false });
    }
  }

  readonly #abort = (): void => {
    const reason: unknown = this.#signal?.reason;
    const first = this.#requests.shift();
    this.#end();
    if (first) first.reject(reason);
    else this.#failure = { reason };
  };

  /** Releases everything, and settles pending calls. */
  #end(): void {
    this.#subscribe = undefined;
    this.#hasEnded = true;
    this.#failure = undefined;
    this.#source?.stop();
    this.#source = undefined;
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#signal = undefined;
    for (const { resolve } of this.#requests.splice(0)) resolve({ value: undefined, done: true });
  }
}

// Like generators, so that it inherits what the runtime gives to all async iterators.
const { prototype: generator } = async function* () {};
Object.setPrototypeOf(ChangeIterator.prototype, Object.getPrototypeOf(Object.getPrototypeOf(generator)));
