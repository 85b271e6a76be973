import type { Server, Socket } from 'node:net';

/** Connections that are kept. A process that listens for many writers must not run out of descriptors for that. */
const MAX_CALLERS = 64;

/** What is called when something happens to a {@link Doorbell}. */
export interface DoorbellEvents {
  /** Connections are accepted now. */
  opened(): void;
  /** There is no socket, or it failed to accept a connection. */
  failed(error: Error): void;
  /** A change was made; with what was sent. */
  rung(sent: Buffer): void;
  /** A connection was closed that may have been about to ring. */
  dropped(): void;
}

/**
 * A Unix socket that other processes connect to, and send the moment to when they have changed a page. The event loop waits
 * for it directly, so no other thread has to wake first. It does not keep the process running.
 */
export class Doorbell {
  readonly #server: Server;
  readonly #callers = new Set<Socket>();
  #isOpen = false;

  constructor(address: string, events: DoorbellEvents) {
    // Loaded when the first config that shares its state between processes listens: most programs never need it.
    const { createServer } = require('node:net') as typeof import('node:net');
    this.#server = createServer((caller) => this.#accept(caller, events));
    this.#server.on('error', events.failed);
    this.#server.once('listening', () => {
      this.#isOpen = true;
      events.opened();
    });
    // Exclusive, or a worker of node:cluster would have the primary listen for it.
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
    // A caller that is killed may break its connection; what it sent, if anything, has come by then.
    caller.on('error', () => caller.destroy());
    caller.on('close', () => this.#callers.delete(caller));
    if (this.#callers.size <= MAX_CALLERS) return;
    // The one that came first. It connects again when it has something to tell.
    const [oldest] = this.#callers;
    if (!oldest) return;
    this.#callers.delete(oldest);
    oldest.once('close', dropped).destroy();
  }
}
