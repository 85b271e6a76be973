import type { EventEmitter } from 'node:events';
import { type EmitterMethod, emitterMethods } from '../core/event-emitter';
import { callListener, type ChangeSource, type Listening } from './listening';

const ADDING_METHODS: ReadonlySet<EmitterMethod> = new Set(['on', 'once', 'addListener', 'prependListener']);

/** Makes an object an `EventEmitter`, and watches its page as long as it has listeners. */
export class ChangeEmitter<Name extends string> {
  readonly #target: object;
  readonly #listen: () => Listening<Name>;
  #source: ChangeSource<Name> | undefined;

  /** `target` inherits from `EventEmitter.prototype`; `listen` throws if it is closed. */
  constructor(target: object, listen: () => Listening<Name>) {
    this.#target = target;
    this.#listen = listen;
  }

  /** Calls a method of `EventEmitter`. */
  call(method: EmitterMethod, args: unknown[]): void {
    // Checked first, so that a closed config gets no listener.
    if (ADDING_METHODS.has(method)) this.#listen();
    (emitterMethods()[method] as (...args: unknown[]) => unknown).apply(this.#target, args);
    this.#followListeners();
  }

  #followListeners(): void {
    const wanted = countListeners(this.#target, 'change') > 0;
    if (wanted && !this.#source) {
      this.#source = this.#listen().open(
        () => this.#emit(),
        () => {},
      );
    } else if (!wanted && this.#source) {
      this.#source.stop();
      this.#source = undefined;
    }
  }

  #emit(): void {
    const change = this.#source?.take();
    if (!change) return;
    // Like `emit`, with a copy of the current listeners. But `emit` stops at the first one that throws.
    const listeners = emitterMethods().rawListeners.call(this.#target as EventEmitter, 'change');
    for (const listener of listeners) callListener(() => Reflect.apply(listener, this.#target, [change]));
    // `once` listeners have been removed now.
    this.#followListeners();
  }
}

export function countListeners(target: object, event: string): number {
  return emitterMethods().listenerCount.call(target as EventEmitter, event);
}
