import type { EventEmitter } from 'node:events';
import { type EmitterMethod, emitterMethods } from '../core/event-emitter';
import { callListener, type ChangeSource, type Listening } from './listening';

const ADDING_METHODS: ReadonlySet<EmitterMethod> = new Set(['on', 'once', 'addListener', 'prependListener']);

/** Makes `EventEmitter` of an object, and listens to its page exactly while it has listeners. */
export class ChangeEmitter<Name extends string> {
  readonly #target: object;
  readonly #listen: () => Listening<Name>;
  #source: ChangeSource<Name> | undefined;

  /** `target` inherits from `EventEmitter.prototype`; `listen` throws when it is closed. */
  constructor(target: object, listen: () => Listening<Name>) {
    this.#target = target;
    this.#listen = listen;
  }

  /** Does what `EventEmitter` does. */
  call(method: EmitterMethod, args: unknown[]): void {
    // Refused first, so that a closed config gets no listener.
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
    // As `emit` does it, with a copy of the listeners that there are now. But `emit` ends with the first one that throws.
    const listeners = emitterMethods().rawListeners.call(this.#target as EventEmitter, 'change');
    for (const listener of listeners) callListener(() => Reflect.apply(listener, this.#target, [change]));
    // Those that wanted the next change only are gone now.
    this.#followListeners();
  }
}

export function countListeners(target: object, event: string): number {
  return emitterMethods().listenerCount.call(target as EventEmitter, event);
}
