// The X.509 source: a stream of contexts in, the current identity and bundles out. It keeps the last good update and says how old it is.
import { EphemosError, isEphemosError } from '../errors.ts';
import { publish } from '../observe/channels.ts';
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import { X509BundleSet } from '../spiffe/x509-bundle-set.ts';
import type { X509Svid } from '../spiffe/x509-svid.ts';
import { createWorkloadApiClient, type WatchEvent, type WorkloadApiCallOptions } from '../workload-api/client.ts';
import { sameX509Context, type X509Context } from '../workload-api/x509-context.ts';
import { createLatest } from './latest.ts';
import { waitForIdentity } from './wait-for-identity.ts';

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
  /** Every SVID of the last update, the default one first; empty after a withdrawal. */
  readonly svids: readonly X509Svid[];
  /** The bundles to verify peers with; empty before the first update. */
  readonly bundles: X509BundleSet;
  readonly health: X509SourceHealth;
  /** Every change of SVIDs or bundles, the current state first; a slow reader skips to the newest. Ends when the source is closed. */
  updates(options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<X509Context>;
  /** Calls `listener` in the same turn as every change, withdrawal included. Returns the way to stop. */
  subscribe(listener: () => void): () => void;
  close(): Promise<void>;
}

/** Whatever yields contexts: the Workload API client, or a test authority. */
export interface X509ContextStream {
  watchX509Contexts(options?: WorkloadApiCallOptions): AsyncIterable<WatchEvent<X509Context>>;
  close?(): Promise<void>;
}

/** What {@link openX509Source} takes. */
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

/**
 * Opens the identity of this workload; resolves with its first SVID and keeps it fresh until it is closed.
 * It never keeps the process alive once it is open.
 * @example
 * const source = await openX509Source();
 * console.log(String(source.svid.id));
 * @throws {EphemosError} ERR_ENDPOINT_*, or the reason why no SVID came in time
 */
export async function openX509Source(options: X509SourceOptions = {}): Promise<X509Source> {
  const pick = createPick(options);
  const client = options.client ?? createWorkloadApiClient({ endpoint: options.endpoint, keepsAlive: false });
  const { source, failed } = createX509Source(client, pick);
  try {
    await waitForIdentity(source, failed, options);
    return source;
  } catch (error) {
    await source.close();
    throw error;
  }
}

const NO_BUNDLES = new X509BundleSet([]);

type Pick = (svids: readonly X509Svid[]) => X509Svid | undefined;

function createPick({ id, hint }: X509SourceOptions): Pick {
  if (id === undefined && hint === undefined) return ([first]) => first;
  const wanted = typeof id === 'string' ? SpiffeId.parse(id) : id;
  return (svids) => svids.find((svid) => (wanted === undefined || svid.id.equals(wanted)) && (hint === undefined || svid.hint === hint));
}

function createX509Source(client: X509ContextStream, pick: Pick): { readonly source: X509Source; readonly failed: Promise<EphemosError> } {
  const stop = new AbortController();
  const latest = createLatest<X509Context>();
  const listeners = new Set<() => void>();
  let context: X509Context | undefined;
  let svid: X509Svid | undefined;
  // Why there is no SVID, when there is none.
  let absence = new EphemosError('ERR_IDENTITY_UNAVAILABLE', 'the Workload API has not sent an SVID yet');
  let connected = false;
  let updatedAt: number | undefined;
  let lastError: EphemosError | undefined;

  function accept(next: X509Context): void {
    connected = true;
    updatedAt = Date.now();
    lastError = undefined;
    const unchanged = svid !== undefined && context !== undefined && sameX509Context(context, next);
    if (unchanged) return;
    context = next;
    svid = pick(next.svids);
    if (svid === undefined) {
      absence = new EphemosError('ERR_IDENTITY_NOT_FOUND', `none of the ${next.svids.length} SVIDs has the SPIFFE ID or hint that was asked for`, {
        hint: `there are: ${next.svids.map(describeSvid).join(', ')}`,
      });
      lastError = absence;
    }
    publish('sourceUpdate', () => ({ svid: svid?.toJSON(), trustDomains: next.bundles.size }));
    changed(next);
  }

  function reject(error: EphemosError): void {
    lastError = error;
    // A refused update leaves the stream standing; every other failure means that it fell.
    if (error.code !== 'ERR_WORKLOAD_API_RESPONSE_INVALID') connected = false;
    publish('sourceError', () => ({ error }));
    if (error.code === 'ERR_WORKLOAD_API_PERMISSION_DENIED') withdraw(error);
  }

  function withdraw(cause: EphemosError): void {
    if (svid === undefined) return;
    svid = undefined;
    absence = new EphemosError('ERR_IDENTITY_WITHDRAWN', 'the Workload API has withdrawn this identity', { hint: cause.hint, cause });
    if (context !== undefined) {
      context = Object.freeze({ svids: Object.freeze([]), bundles: context.bundles });
      changed(context);
    }
  }

  function changed(next: X509Context): void {
    latest.set(next);
    for (const listener of listeners) listener();
  }

  function currentSvid(): X509Svid {
    if (stop.signal.aborted) throw new EphemosError('ERR_SOURCE_CLOSED', 'the source was closed');
    if (svid === undefined) throw absence;
    if (Date.now() > svid.notAfter) {
      throw new EphemosError('ERR_IDENTITY_EXPIRED', `the SVID expired at ${new Date(svid.notAfter).toISOString()} and no newer one has come`, {
        hint: lastError?.hint ?? 'look at the log of the agent',
        ...(lastError === undefined ? {} : { cause: lastError }),
      });
    }
    return svid;
  }

  async function follow(): Promise<EphemosError> {
    try {
      for await (const event of client.watchX509Contexts({ signal: stop.signal })) {
        if (stop.signal.aborted) break;
        if (event.type === 'update') accept(event.value);
        else reject(event.error);
      }
      return new EphemosError('ERR_SOURCE_CLOSED', 'the source was closed');
    } catch (thrown) {
      // The watch is over: the specification says not to retry. What is good stays in use until it expires.
      const error = isEphemosError(thrown) ? thrown : new EphemosError('ERR_WORKLOAD_API_UNAVAILABLE', 'the watch failed', { cause: thrown });
      reject(error);
      return error;
    }
  }

  async function close(): Promise<void> {
    if (stop.signal.aborted) return;
    stop.abort();
    connected = false;
    latest.end();
    for (const listener of listeners) listener();
    listeners.clear();
    await client.close?.();
  }

  const source: X509Source = {
    get svid() {
      return currentSvid();
    },
    get svids() {
      return context?.svids ?? [];
    },
    get bundles() {
      return context?.bundles ?? NO_BUNDLES;
    },
    get health() {
      return Object.freeze({
        state: stateOf(stop.signal.aborted, svid, context),
        connected,
        ageMs: updatedAt === undefined ? undefined : Date.now() - updatedAt,
        expiresAt: svid?.notAfter,
        lastError,
      });
    },
    updates: (options) => latest.watch(options?.signal),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
  return { source, failed: follow() };
}

function stateOf(closed: boolean, svid: X509Svid | undefined, context: X509Context | undefined): X509SourceHealth['state'] {
  if (closed) return 'closed';
  if (svid === undefined) return context === undefined ? 'waiting' : 'withdrawn';
  return Date.now() > svid.notAfter ? 'expired' : 'ready';
}

function describeSvid({ id, hint }: X509Svid): string {
  return hint === '' ? id.toString() : `${id} (hint ${JSON.stringify(hint)})`;
}
