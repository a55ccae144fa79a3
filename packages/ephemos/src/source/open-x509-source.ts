// Opens the X.509 source: a stream of contexts in, the current identity and bundles out. It keeps the last good update and says how old it is.
import { EphemosError, isEphemosError } from '../errors.ts';
import { publish } from '../observe/channels.ts';
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import { X509BundleSet } from '../spiffe/x509-bundle-set.ts';
import type { X509Svid } from '../spiffe/x509-svid.ts';
import { createWorkloadApiClient } from '../workload-api/client.ts';
import { sameX509Context, type X509Context } from '../workload-api/x509-context.ts';
import { createLatest } from './latest.ts';
import { createListeners } from './listeners.ts';
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
  const listeners = createListeners();
  let context: X509Context | undefined;
  let svid: X509Svid | undefined;
  // Why there is no SVID, when there is none.
  let absence = new EphemosError('ERR_IDENTITY_UNAVAILABLE', 'the Workload API has not sent an SVID yet');
  let connected = false;
  let closing: Promise<void> | undefined;
  // By the clock that is never set.
  let updatedAt: number | undefined;
  let lastError: EphemosError | undefined;

  function accept(next: X509Context): void {
    connected = true;
    updatedAt = performance.now();
    // What is missing is still missing when nothing changed.
    lastError = svid === undefined && context !== undefined ? absence : undefined;
    if (context !== undefined && sameX509Context(context, next)) return;
    lastError = undefined;
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

  function reject(error: EphemosError, standing = false): void {
    lastError = error;
    connected = standing;
    publish('sourceError', () => ({ error }));
    if (error.code === 'ERR_WORKLOAD_API_PERMISSION_DENIED') withdraw(error);
  }

  function withdraw(cause: EphemosError): void {
    // The SVIDs of others than the one that was picked go too.
    if (context === undefined || context.svids.length === 0) return;
    svid = undefined;
    absence = new EphemosError('ERR_IDENTITY_WITHDRAWN', 'the Workload API has withdrawn this identity', { hint: cause.hint, cause });
    context = Object.freeze({ svids: Object.freeze([]), bundles: context.bundles });
    changed(context);
  }

  function changed(next: X509Context): void {
    latest.set(next);
    listeners.call();
  }

  function current(): X509Context | undefined {
    if (stop.signal.aborted) throw sourceClosed();
    return context;
  }

  function currentSvid(): X509Svid {
    if (stop.signal.aborted) throw sourceClosed();
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
        else reject(event.error, event.connected);
      }
      if (stop.signal.aborted) return sourceClosed();
      throw new EphemosError('ERR_WORKLOAD_API_UNAVAILABLE', 'the watch has ended');
    } catch (thrown) {
      // The watch is over: the specification says not to retry. What is good stays in use until it expires.
      const error = isEphemosError(thrown)
        ? thrown
        : new EphemosError('ERR_WORKLOAD_API_UNAVAILABLE', 'the watch failed', { cause: thrown });
      reject(error);
      return error;
    }
  }

  function close(): Promise<void> {
    closing ??= closeOnce();
    return closing;
  }

  async function closeOnce(): Promise<void> {
    stop.abort();
    connected = false;
    // Keys that nobody can use any more need not be in memory.
    svid = undefined;
    context = undefined;
    latest.end();
    listeners.call();
    listeners.clear();
    await client.close?.();
  }

  const source: X509Source = {
    get svid() {
      return currentSvid();
    },
    get svids() {
      return current()?.svids ?? [];
    },
    get bundles() {
      return current()?.bundles ?? NO_BUNDLES;
    },
    get health() {
      return Object.freeze({
        state: stateOf(stop.signal.aborted, svid, context),
        connected,
        ageMs: updatedAt === undefined ? undefined : performance.now() - updatedAt,
        expiresAt: svid?.notAfter,
        lastError,
      });
    },
    updates: (options) => latest.watch(options?.signal),
    subscribe: (listener) => (stop.signal.aborted ? () => undefined : listeners.add(listener)),
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

function sourceClosed(): EphemosError {
  return new EphemosError('ERR_SOURCE_CLOSED', 'the source was closed');
}

function describeSvid({ id, hint }: X509Svid): string {
  return hint === '' ? id.toString() : `${id} (hint ${JSON.stringify(hint)})`;
}
