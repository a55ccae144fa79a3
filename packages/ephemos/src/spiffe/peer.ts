// Who is at the other end of a connection, after verification.
import type { SpiffeId } from './spiffe-id.ts';

/** A verified peer. Everything here was checked; nothing here says what the peer may do. */
export interface Peer {
  readonly id: SpiffeId;
  /** The certificates that the peer presented, DER, leaf first. */
  readonly chain: readonly Uint8Array[];
  /** The authority of its trust domain that the chain ends in, DER. */
  readonly authority: Uint8Array;
  /** Milliseconds since 1970: the validity of the leaf. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Milliseconds since 1970: when the first certificate of the verified path expires. Never after {@link Peer.notAfter}. */
  readonly expiresAt: number;
}
