import type { Server, Socket } from 'node:net';

/** The maximum number of open connections, so that a listener does not run out of descriptors. */
const MAX_CALLERS = 64;

/** The callbacks of a {@link Doorbell}. */
export interface DoorbellEvents {
  /** Connections are accepted now. */
  opened(): void;
  /** The socket could not be created, or failed to accept a connection. */
  failed(error: Error): void;
  /** A change was made; `sent` is the message. */
  rung(sent: Buffer): void;
  /** A connection was closed whose writer may have been about to ring. */
  dropped(): void;
}

/**
 * A Unix socket to which other processes send the time when they have changed a page. The event loop waits for it
 * directly, so no other thread has to wake up first. It does not keep the process running.
 */
export class Doorbell {
  readonly #server: Server;
  readonly #callers = new Set<Socket>();
  #isOpen = false;

  constructor(address: string, events: DoorbellEvents) {
    // Loaded when the first listener of a shared config is added: most programs never need it.
    const { createServer } = require('node:net') as typeof import('node:net');
    this.#server = createServer((caller) => this.#accept(caller, events));
    this.#server.on('error', events.failed);
    this.#server.once('listening', () => {
      this.#isOpen = true;
      events.opened();
    });
    // Exclusive: in a worker of node:cluster, the primary would listen otherwise.
    this.#server.listen({ path: address, exclusive: true });
    this.#server.unref();
  }

  /** Whether connections are accepted. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  close(): void {
    this.#isOpen = false;
    this.#server.close();
    for (const caller of this.#callers) caller.destroy();
  }

  #accept(caller: Socket, { rung, dropped }: DoorbellEvents): void {
    this.#callers.add(caller);
    caller.unref();
    caller.on('data', rung);
    // A killed writer may reset its connection; its message, if any, has arrived by then.
    caller.on('error', () => caller.destroy());
    caller.on('close', () => this.#callers.delete(caller));
    if (this.#callers.size <= MAX_CALLERS) return;
    // The oldest. Its writer reconnects for the next change.
    const [oldest] = this.#callers;
    if (!oldest) return;
    this.#callers.delete(oldest);
    oldest.once('close', dropped).destroy();
  }
}
