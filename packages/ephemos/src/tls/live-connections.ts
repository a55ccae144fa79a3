// The list of live connections of one listener or client: changes of trust, policy and identity in, connections that end out.
import { decide } from '../authorize/authorizer.ts';
import { EphemosError } from '../errors.ts';
import { publish } from '../observe/channels.ts';
import type { PeerVerifier } from '../spiffe/peer-verifier.ts';
import { followSource } from './follow-source.ts';
import type { GateOptions } from './gate-options.ts';
import type { LiveConnection } from './live-connection.ts';

/** Default time over which connections end after our identity was withdrawn, in milliseconds. */
export const WITHDRAWAL_GRACE_MS = 10_000;
/** Default time that a connection has to finish after its peer was refused, in milliseconds. */
export const CLOSE_GRACE_MS = 3_000;
// How long one turn of re-verification may hold the event loop.
const SLICE_MS = 5;

/** What a list needs to judge its connections. */
export interface LiveConnectionsOptions extends GateOptions {
  readonly verifier: PeerVerifier;
}

/** The live connections of one listener or client. */
export class LiveConnections implements Iterable<LiveConnection> {
  readonly #connections = new Set<LiveConnection>();
  readonly #options: LiveConnectionsOptions;
  #round = 0;
  #running: Promise<void> = Promise.resolve();
  #unfollow: (() => void) | undefined;
  #draining = false;

  constructor(options: LiveConnectionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#connections.size;
  }

  [Symbol.iterator](): IterableIterator<LiveConnection> {
    return this.#connections.values();
  }

  /** Watches over a connection until it closes. The source is followed only while there is one, so that a client that is dropped is no leak. */
  add(connection: LiveConnection): void {
    this.#unfollow ??= this.#follow();
    this.#connections.add(connection);
    if (this.#draining) connection.drain();
    connection.socket.once('close', () => {
      this.#connections.delete(connection);
      if (this.#connections.size > 0) return;
      this.#unfollow?.();
      this.#unfollow = undefined;
    });
  }

  /** Tells every connection, those that are still to come too, that it should not take new work. */
  drain(): void {
    this.#draining = true;
    for (const connection of this.#connections) connection.drain();
  }

  /**
   * Verifies and authorizes every live connection again, with the bundles and the policy of now. Connections that no longer pass end.
   * Works in slices of 5 ms, so that ten thousand connections do not stop the process.
   */
  reauthorize(): Promise<void> {
    this.#round += 1;
    this.#running = this.#judgeAll(this.#round);
    return this.#running;
  }

  async #judgeAll(round: number): Promise<void> {
    let sliceEnd = performance.now() + SLICE_MS;
    for (const connection of [...this.#connections]) {
      // A newer round has begun; it looks at everything again, and this one is over when that one is.
      if (round !== this.#round) return this.#running;
      this.#judge(connection);
      if (performance.now() < sliceEnd) continue;
      await new Promise(setImmediate);
      sliceEnd = performance.now() + SLICE_MS;
    }
  }

  #follow(): () => void {
    let suspended = false;
    return followSource(this.#options.source, {
      identity: (svid) => {
        // A rotation is no loss: then nothing is to be done, however many connections there are.
        if ((svid === undefined) === suspended) return;
        suspended = svid === undefined;
        if (suspended) this.#suspend();
        else this.#resume();
      },
      bundles: () => void this.reauthorize(),
    });
  }

  #suspend(): void {
    const { withdrawalGrace = WITHDRAWAL_GRACE_MS } = this.#options;
    const now = Date.now();
    for (const connection of this.#connections) connection.suspend(withdrawalGrace, now);
  }

  #resume(): void {
    const now = Date.now();
    for (const connection of this.#connections) connection.resume(now);
  }

  #judge(connection: LiveConnection): void {
    if (connection.refused) return;
    const refusal = this.#refusalOf(connection);
    if (refusal === undefined) return;
    publish('refused', () => ({ role: connection.role, error: refusal, peer: connection.peer.id.toString(), live: true }));
    connection.refuse(this.#options.closeGrace ?? CLOSE_GRACE_MS, Date.now());
  }

  #refusalOf(connection: LiveConnection): EphemosError | undefined {
    const { verifier, source, authorize } = this.#options;
    try {
      connection.peer = verifier.verify(connection.peer.chain, source.bundles, Date.now());
    } catch (error) {
      if (error instanceof EphemosError) return error;
      throw error;
    }
    return decide(authorize, connection.peer).refusal;
  }
}
