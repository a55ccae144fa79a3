// Opens the X.509 source: a stream of contexts in, the current identity and bundles out. It keeps the last good update and says how old it is.
import { EphemosError, isEphemosError } from '../errors.ts';
import { publish } from '../observe/channels.ts';
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import { X509BundleSet } from '../spiffe/x509-bundle-set.ts';
import type { X509Svid } from '../spiffe/x509-svid.ts';
import { createWorkloadApiClient } from '../workload-api/client.ts';
import { sameX509Context, type X509Context } from '../workload-api/x509-context.ts';
import { createLatest } from './latest.ts';
import { waitForIdentity } from './wait-for-identity.ts';
import type { X509ContextStream, X509Source, X509SourceHealth, X509SourceOptions } from './x509-source.ts';

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
      absence = new EphemosError(
        'ERR_IDENTITY_NOT_FOUND',
        `none of the ${next.svids.length} SVIDs has the SPIFFE ID or hint that was asked for`,
        {
          hint: `there are: ${next.svids.map(describeSvid).join(', ')}`,
        },
      );
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
      throw new EphemosError(
        'ERR_IDENTITY_EXPIRED',
        `the SVID expired at ${new Date(svid.notAfter).toISOString()} and no newer one has come`,
        {
          hint: lastError?.hint ?? 'look at the log of the agent',
          ...(lastError === undefined ? {} : { cause: lastError }),
        },
      );
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
      const error = isEphemosError(thrown)
        ? thrown
        : new EphemosError('ERR_WORKLOAD_API_UNAVAILABLE', 'the watch failed', { cause: thrown });
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
