import type { Server, Socket } from 'node:net';

/**
 * A Unix socket that other processes connect to, and send the moment to when they have changed a page. The event loop waits
 * for it by itself, so no other thread has to wake first. It does not keep the process running.
 */
export class Doorbell {
  readonly #server: Server;
  readonly #callers = new Set<Socket>();

  /** `opened` is called when connections to `address` are accepted, or else `failed`, and `rung` after changes, with what was sent. */
  constructor(address: string, { opened, failed, rung }: { opened(): void; failed(error: Error): void; rung(sent: Buffer): void }) {
    // Loaded when the first config that shares its state between processes listens: most programs never need it.
    const { createServer } = require('node:net') as typeof import('node:net');
    this.#server = createServer((caller) => {
      this.#callers.add(caller);
      caller.unref();
      caller.on('data', rung);
      // A caller that is killed may break its connection; what it sent, if anything, has come by then.
      caller.on('error', () => caller.destroy());
      caller.on('close', () => this.#callers.delete(caller));
    });
    this.#server.once('error', failed);
    this.#server.once('listening', opened);
    // Exclusive, or a worker of node:cluster would have the primary listen for it.
    this.#server.listen({ path: address, exclusive: true });
    this.#server.unref();
  }

  close(): void {
    this.#server.close();
    for (const caller of this.#callers) caller.destroy();
  }
}
