// How many connections and handshakes a listener takes on: accepted TCP sockets in, those that may start their handshake out, a few in each turn.
import type { Socket } from 'node:net';
import type { Server } from 'node:tls';
import { EphemosError } from '../errors.ts';
import { publish } from '../observe/channels.ts';
import { networkOf } from './network.ts';

/** What a listener takes on. Without limits it takes whatever comes. */
export interface ConnectionLimits {
  /** Connections in all; one more is reset. */
  readonly maxConnections?: number | undefined;
  /** Connections from one IPv4 address or IPv6 /64; one more is reset. */
  readonly maxConnectionsPerAddress?: number | undefined;
  /**
   * Handshakes in flight, from the first bytes of the client on, of which one address gets half at most; one more waits for its turn, as long as a
   * handshake may take.
   */
  readonly maxHandshakes?: number | undefined;
}

/**
 * Handshakes begun in one turn of the event loop. Each costs about half a millisecond when its first bytes are read, so requests on connections
 * that are already there wait about two milliseconds for a flood, however large it is.
 */
const HANDSHAKES_PER_TURN = 4;

/** Tells when handshakes are done. */
export interface Admission {
  /** The handshake of this socket is over. */
  finish(raw: object): void;
}

/** @throws {EphemosError} ERR_OPTION_INVALID */
export function checkConnectionLimits(limits: ConnectionLimits): void {
  for (const [name, value] of Object.entries(limits)) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) continue;
    throw new EphemosError('ERR_OPTION_INVALID', `${name} must be a whole number of at least 1`);
  }
}

/** Stands between a server and its own 'connection' listeners; call it when those are all there. */
export function limitConnections(server: Server, limits: ConnectionLimits, timeout: number): Admission {
  const { maxConnections = Infinity, maxConnectionsPerAddress = Infinity, maxHandshakes = Infinity } = limits;
  const share = Math.ceil(maxHandshakes / 2);
  const listeners = server.listeners('connection');
  server.removeAllListeners('connection');
  const open = new Map<string, number>();
  const waiting = new WaitingSockets();
  // Since when, the oldest first.
  const silent = new Map<Socket, number>();
  const running = new Map<object, string>();
  const runningOf = new Map<string, number>();
  let connections = 0;
  let begun = 0;
  let scheduled = false;
  let looking = false;

  server.on('connection', (raw: Socket) => {
    const address = networkOf(raw.remoteAddress);
    const ofAddress = open.get(address) ?? 0;
    if (connections >= maxConnections) return refuse(raw, `${maxConnections} connections are open`);
    if (ofAddress >= maxConnectionsPerAddress) return refuse(raw, `${maxConnectionsPerAddress} connections from one address are open`);
    connections += 1;
    open.set(address, ofAddress + 1);
    raw.once('close', () => {
      connections -= 1;
      decrement(open, address);
      silent.delete(raw);
      finish(raw);
    });
    // What says nothing gets no TLS. node:tls takes over what was read by then (Node 20 to 26; the tests hold it).
    silent.set(raw, performance.now());
    raw.once('readable', () => onBytes(raw, address));
    schedule();
  });

  function onBytes(raw: Socket, address: string): void {
    const since = silent.get(raw);
    if (since === undefined) return;
    silent.delete(raw);
    // Opened and closed without a word: how load balancers look whether somebody listens.
    if (raw.readableLength === 0) return void raw.destroy();
    if (waiting.size === 0 && begun < HANDSHAKES_PER_TURN && mayBegin(address)) begin(raw, address);
    else waiting.add(raw, address, since);
    schedule();
  }

  function mayBegin(address: string): boolean {
    return running.size < maxHandshakes && (runningOf.get(address) ?? 0) < share;
  }

  function begin(raw: Socket, address: string): void {
    begun += 1;
    running.set(raw, address);
    runningOf.set(address, (runningOf.get(address) ?? 0) + 1);
    for (const listener of listeners) Reflect.apply(listener, server, [raw]);
  }

  function finish(raw: object): void {
    const address = running.get(raw);
    if (address === undefined) return;
    running.delete(raw);
    decrement(runningOf, address);
    if (waiting.size > 0) schedule();
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(turn);
  }

  function turn(): void {
    scheduled = false;
    begun = 0;
    endLate(performance.now() - timeout);
    while (begun < HANDSHAKES_PER_TURN && running.size < maxHandshakes) {
      const next = waiting.take(mayBegin);
      if (next === undefined) break;
      // A server that was closed meanwhile waits for its connections to end.
      if (next.raw.destroyed || !server.listening) next.raw.destroy();
      else begin(next.raw, next.address);
    }
    if (begun > 0 && waiting.size > 0) schedule();
    else lookAgain();
  }

  // Those that wait for a place are looked at when one is free, or when they are late.
  function lookAgain(): void {
    if (looking || waiting.size + silent.size === 0) return;
    looking = true;
    setTimeout(() => {
      looking = false;
      schedule();
    }, LOOK_AGAIN_MS).unref();
  }

  function endLate(limit: number): void {
    for (const raw of waiting.late(limit)) refuse(raw, 'a handshake found no turn in time');
    for (const [raw, since] of silent) {
      if (since >= limit && server.listening) break;
      silent.delete(raw);
      refuseSilent(raw);
    }
  }

  return { finish };
}

const LOOK_AGAIN_MS = 100;

interface Waiting {
  readonly raw: Socket;
  readonly address: string;
  readonly since: number;
}

// Addresses take turns, so that a flood from one of them holds up nobody else.
class WaitingSockets {
  readonly #byAddress = new Map<string, Waiting[]>();
  size = 0;

  add(raw: Socket, address: string, since: number): void {
    const queue = this.#byAddress.get(address);
    if (queue === undefined) this.#byAddress.set(address, [{ raw, address, since }]);
    else queue.push({ raw, address, since });
    this.size += 1;
  }

  take(mayBegin: (address: string) => boolean): Waiting | undefined {
    for (const [address, queue] of this.#byAddress) {
      if (!mayBegin(address)) continue;
      const next = queue.shift();
      this.#byAddress.delete(address);
      // Behind the others.
      if (queue.length > 0) this.#byAddress.set(address, queue);
      if (next === undefined) continue;
      this.size -= 1;
      return next;
    }
    return undefined;
  }

  /** Takes those that have waited since before `limit`. */
  *late(limit: number): Generator<Socket, void, undefined> {
    for (const [address, queue] of this.#byAddress) {
      while (queue[0] !== undefined && (queue[0].since < limit || queue[0].raw.destroyed)) {
        const first = queue.shift();
        this.size -= 1;
        if (first !== undefined && !first.raw.destroyed) yield first.raw;
      }
      if (queue.length === 0) this.#byAddress.delete(address);
    }
  }
}

function refuse(raw: Socket, reason: string): void {
  reset(raw, () => new EphemosError('ERR_LIMIT_REACHED', reason, { hint: 'raise the limit if these are callers that should be served' }));
}

function refuseSilent(raw: Socket): void {
  reset(raw, () => new EphemosError('ERR_HANDSHAKE_TIMEOUT', 'a handshake took longer than allowed: no byte of it came'));
}

// With a reset nothing is left behind, here or in the kernel.
function reset(raw: Socket, error: () => EphemosError): void {
  const { remoteAddress } = raw;
  raw.on('error', () => undefined).resetAndDestroy();
  publish('refused', () => ({ role: 'server', error: error(), remoteAddress, live: false }));
}

function decrement(counts: Map<string, number>, key: string): void {
  const count = counts.get(key) ?? 0;
  if (count > 1) counts.set(key, count - 1);
  else counts.delete(key);
}
