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

/** Loaded on demand: this takes Bun two milliseconds, and most programs never listen. */
export function emitterMethods(): EventEmitter {
  methods ??= (require('node:events') as typeof import('node:events')).EventEmitter.prototype;
  return methods;
}

/**
 * Makes a prototype inherit from that of `EventEmitter`. A proxy takes its place until the prototype or an inherited
 * member is used.
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
