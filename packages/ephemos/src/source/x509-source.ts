// What an X.509 source is: the current identity of a workload, the bundles to verify its peers with, and how both are doing.
import type { EphemosError } from '../errors.ts';
import type { SpiffeId } from '../spiffe/spiffe-id.ts';
import type { X509BundleSet } from '../spiffe/x509-bundle-set.ts';
import type { X509Svid } from '../spiffe/x509-svid.ts';
import type { WatchEvent, WorkloadApiCallOptions } from '../workload-api/client.ts';
import type { X509Context } from '../workload-api/x509-context.ts';

/** How a source does. A snapshot. */
export interface X509SourceHealth {
  /** `ready` with a valid SVID, `withdrawn` after the Workload API took it back, `expired` when no newer one came in time. */
  readonly state: 'waiting' | 'ready' | 'withdrawn' | 'expired' | 'closed';
  /** Whether the stream to the Workload API stands. */
  readonly connected: boolean;
  /** Milliseconds since the last good update; undefined before the first. */
  readonly ageMs: number | undefined;
  /** Milliseconds since 1970: when the current SVID expires. */
  readonly expiresAt: number | undefined;
  /** The last failure that no good update has followed. */
  readonly lastError: EphemosError | undefined;
}

/** The current identity of this workload and the bundles to verify its peers with. */
export interface X509Source extends AsyncDisposable {
  /**
   * The SVID to present now.
   * @throws {EphemosError} ERR_IDENTITY_UNAVAILABLE, ERR_IDENTITY_WITHDRAWN, ERR_IDENTITY_NOT_FOUND, ERR_IDENTITY_EXPIRED, ERR_SOURCE_CLOSED
   */
  readonly svid: X509Svid;
  /**
   * Every SVID of the last update, the default one first; empty after a withdrawal.
   * @throws {EphemosError} ERR_SOURCE_CLOSED
   */
  readonly svids: readonly X509Svid[];
  /**
   * The bundles to verify peers with; empty before the first update.
   * @throws {EphemosError} ERR_SOURCE_CLOSED
   */
  readonly bundles: X509BundleSet;
  readonly health: X509SourceHealth;
  /** Every change of SVIDs or bundles, the current state first; a slow reader skips to the newest. Ends when the source is closed. */
  updates(options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<X509Context>;
  /** Calls `listener` in the same turn as every change, withdrawal and close included. Returns the way to stop. */
  subscribe(listener: () => void): () => void;
  close(): Promise<void>;
}

/** Whatever yields contexts: the Workload API client, or a test authority. */
export interface X509ContextStream {
  watchX509Contexts(options?: WorkloadApiCallOptions): AsyncIterable<WatchEvent<X509Context>>;
  close?(): Promise<void>;
}

/** What openX509Source takes. */
export interface X509SourceOptions {
  /** `unix:///absolute/path` or `tcp://<ip>:<port>`; without it SPIFFE_ENDPOINT_SOCKET. */
  readonly endpoint?: string | undefined;
  /** Where contexts come from instead of an endpoint. Closed with the source. */
  readonly client?: X509ContextStream | undefined;
  /** The SVID to use when there are several: this SPIFFE ID. Without `id` and `hint` the first one, as the specification says. */
  readonly id?: string | SpiffeId | undefined;
  /** The SVID to use when there are several: the one with this hint. */
  readonly hint?: string | undefined;
  /** Gives up waiting for the first SVID. Closing is what ends an open source. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait for the first SVID, in milliseconds; default 30,000, `Infinity` allowed. */
  readonly timeout?: number | undefined;
  /** Told after 3 s, and each time the reason changes, why there is no SVID yet. Default: a process warning. */
  readonly onWaiting?: ((reason: EphemosError) => void) | undefined;
}
