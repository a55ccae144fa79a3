// One verified connection and when it must end: certificates and reasons in, a drain and a close out (promises 3 to 5 of the design).
import type { TLSSocket } from 'node:tls';
import { publish, type Role } from '../observe/channels.ts';
import type { Peer } from '../spiffe/peer.ts';
import type { X509Svid } from '../spiffe/x509-svid.ts';

/** Why a connection ends. */
export type EndReason = 'svid-expiry' | 'identity-withdrawn' | 'peer-refused';

/** Shortest time before expiry at which a connection stops being used, in milliseconds. */
export const MIN_EXPIRY_MARGIN_MS = 2_000;
/** The same as a part of the life of the leaf. */
export const EXPIRY_MARGIN_RATIO = 0.1;

// Node fires a longer timer at once.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** When a connection stops being used and when it is closed, in milliseconds since 1970. */
interface Schedule {
  readonly drainAt: number;
  readonly closeAt: number;
  readonly reason: EndReason;
}

/** A connection on which the peer was verified and admitted. */
export class LiveConnection {
  readonly socket: TLSSocket;
  readonly role: Role;
  /** What we presented; undefined when we presented nothing. */
  readonly svid: X509Svid | undefined;
  peer: Peer;
  readonly #expiry: Schedule;
  #schedule: Schedule;
  #timer: NodeJS.Timeout | undefined;
  #draining = false;
  #refused = false;
  #used = false;
  readonly #onDrain = new Set<() => void>();

  constructor(socket: TLSSocket, role: Role, peer: Peer, svid: X509Svid | undefined, now: number) {
    this.socket = socket;
    this.role = role;
    this.svid = svid;
    this.peer = peer;
    this.#expiry = scheduleExpiry(role, peer, svid, now);
    this.#schedule = this.#expiry;
    socket.once('close', () => {
      clearTimeout(this.#timer);
      publish('connectionClose', () => ({ role, peer: this.peer.id.toString() }));
    });
    // After a fatal alert Node leaves a socket open that HTTP/2 reads from (Node 20 to 26); Go and Envoy refuse a certificate with one.
    socket.once('error', () => socket.destroy());
    this.#arm(now);
  }

  /** True until {@link LiveConnection.use}. HTTP/2 sessions are no concern of it: they end by themselves when they are told to. */
  get isUnused(): boolean {
    return !this.#used;
  }

  /** A request has come. */
  use(): void {
    this.#used = true;
  }

  /** It should not take new work from now on; it is not closed for that. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#announce();
  }

  /** True once the connection should not take new work. */
  get draining(): boolean {
    return this.#draining;
  }

  /** True once the peer is no longer verified or admitted: nothing more may be done for it. */
  get refused(): boolean {
    return this.#refused;
  }

  /** When it is closed at the latest, in milliseconds since 1970. */
  get closesAt(): number {
    return this.#schedule.closeAt;
  }

  /**
   * Calls back when the connection should not take new work, at once when that is already so; and again when its peer is refused
   * after that, because a goodbye that leaves time is then too slow.
   */
  onDrain(listener: () => void): void {
    this.#onDrain.add(listener);
    if (this.#draining) listener();
  }

  /** The peer is no longer trusted or admitted: ends the connection in order, and for good after `graceMs`. */
  refuse(graceMs: number, now: number): void {
    if (this.#refused) return;
    this.#refused = true;
    if (this.#draining) this.#announce();
    this.#reschedule({ drainAt: now, closeAt: Math.min(now + graceMs, this.#schedule.closeAt), reason: 'peer-refused' }, now);
  }

  /** Our identity was withdrawn: ends the connection over `graceMs`, which {@link LiveConnection.resume} cancels. */
  suspend(graceMs: number, now: number): void {
    if (this.#refused) return;
    // Spread over four fifths of the time, so that many clients do not come back in the same instant.
    const drainAt = now + graceMs * 0.8 * Math.random();
    const closeAt = Math.min(now + graceMs, this.#expiry.closeAt);
    this.#reschedule({ drainAt: Math.min(drainAt, this.#expiry.drainAt), closeAt, reason: 'identity-withdrawn' }, now);
  }

  /** Our identity is back. */
  resume(now: number): void {
    if (!this.#refused) this.#reschedule(this.#expiry, now);
  }

  #reschedule(schedule: Schedule, now: number): void {
    this.#schedule = schedule;
    this.#arm(now);
  }

  #arm(now: number): void {
    clearTimeout(this.#timer);
    if (this.socket.destroyed) return;
    if (now >= this.#schedule.closeAt) return this.#close();
    if (now >= this.#schedule.drainAt) this.drain();
    const next = this.#draining ? this.#schedule.closeAt : this.#schedule.drainAt;
    this.#timer = setTimeout(() => this.#arm(Date.now()), Math.min(Math.max(next - now, 1), LONGEST_TIMER_MS)).unref();
  }

  #announce(): void {
    for (const listener of this.#onDrain) listener();
  }

  #close(): void {
    this.drain();
    publish('connectionEnd', () => ({ role: this.role, peer: this.peer.id.toString(), reason: this.#schedule.reason }));
    this.socket.destroy();
  }
}

/**
 * Both leaves count: the connection is closed when the first of them expires. Clients stop using it 1 to 1.5 margins before, servers
 * announce the end 0.3 to 0.7 margins before, so a client of ours is gone before the server speaks, even one that was held up for a while;
 * the spread keeps reconnects apart.
 */
function scheduleExpiry(role: Role, peer: Peer, svid: X509Svid | undefined, now: number): Schedule {
  const own = svid ?? { notBefore: -Infinity, notAfter: Infinity };
  const closeAt = Math.min(own.notAfter, peer.expiresAt);
  const life = own.notAfter <= peer.expiresAt ? own.notAfter - own.notBefore : peer.notAfter - peer.notBefore;
  const margin = Math.max(life * EXPIRY_MARGIN_RATIO, MIN_EXPIRY_MARGIN_MS);
  const factor = role === 'client' ? 1 + Math.random() / 2 : 0.3 + 0.4 * Math.random();
  // A connection made late in the life of a leaf is still used for half of what is left.
  const before = Math.min(margin * factor, (closeAt - now) * (role === 'client' ? 0.5 : 0.3));
  return { drainAt: closeAt - before, closeAt, reason: 'svid-expiry' };
}
