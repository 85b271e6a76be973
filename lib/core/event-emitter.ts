import type { EventEmitter } from 'node:events';

/** The methods of `EventEmitter` that a config has. */
export type EmitterMethod =
  | 'on'
  | 'once'
  | 'addListener'
  | 'prependListener'
  | 'off'
  | 'removeListener'
  | 'removeAllListeners';

let methods: EventEmitter | undefined;

/** Loaded when it is needed: Bun takes two milliseconds to do it, and most programs never listen. */
export function emitterMethods(): EventEmitter {
  methods ??= (require('node:events') as typeof import('node:events')).EventEmitter.prototype;
  return methods;
}

/**
 * Makes a prototype inherit from that of `EventEmitter`. Until something asks for that one, or for what is inherited, a
 * proxy stands in its place.
 */
export function inheritFromEmitter(prototype: object): void {
  const inherit = (): object => {
    Object.setPrototypeOf(prototype, emitterMethods());
    return emitterMethods();
  };
  const standIn = new Proxy(
    {},
    {
      getPrototypeOf: inherit,
      get: (_target, property, receiver) => Reflect.get(inherit(), property, receiver),
      has: (_target, property) => Reflect.has(inherit(), property),
    },
  );
  Object.setPrototypeOf(prototype, standIn);
}
