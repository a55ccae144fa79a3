// A trust domain in memory whose servers and clients are traced: with an SDK and a receiver of its own, all gone at the end of the test.
import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { createTestAuthority } from '@ephemos/dev';
import { authorizeId, createFetch, createServer, type EphemosFetch, type X509Source } from 'ephemos';
import { openTelemetry } from '../../src/telemetry/open-telemetry.ts';
import type { Telemetry, TraceIds } from '../../src/telemetry/telemetry.ts';
import { type OtlpReceiver, openOtlpReceiver } from './otlp-receiver.ts';
import { type Sdk, type SdkOptions, startSdk } from './sdk.ts';

export const WEB = 'spiffe://example.org/web';
export const ORDERS = 'spiffe://example.org/orders';
export const STOCK = 'spiffe://example.org/stock';

type Handler = Parameters<typeof createServer>[1];

export interface TracedWorld extends AsyncDisposable {
  readonly receiver: OtlpReceiver;
  readonly sdk: Sdk;
  readonly telemetry: Telemetry;
  /** The one that the telemetry shows. */
  readonly source: X509Source;
  open(id: string): Promise<X509Source>;
  /** Listens and returns the port. */
  listen(server: Server): Promise<number>;
  /** Serves HTTP/1 to one caller and returns the origin. */
  serve(id: string, caller: string, handler: Handler): Promise<string>;
  /** A fetch that is traced. */
  fetchAs(id: string, server: string): Promise<EphemosFetch>;
  /** A fetch that is not. */
  plainFetchAs(id: string, server: string): Promise<EphemosFetch>;
  /** Runs at the end, before anything else is closed. */
  atEnd(close: () => unknown): void;
}

export async function openTracedWorld(options?: SdkOptions): Promise<TracedWorld> {
  const receiver = await openOtlpReceiver();
  const sdk = startSdk(receiver.url, options);
  const authority = createTestAuthority('example.org');
  const sources: X509Source[] = [];
  const closes: (() => unknown)[] = [];
  async function open(id: string): Promise<X509Source> {
    const source = await authority.openX509Source(id);
    sources.push(source);
    return source;
  }
  const source = await open(ORDERS);
  const telemetry = await openTelemetry();
  telemetry.setSource(source);

  async function listen(server: Server): Promise<number> {
    const sockets: Socket[] = [];
    server.on('connection', (socket: Socket) => sockets.push(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closes.push(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new TypeError('the server has no port');
    return address.port;
  }
  async function plainFetchAs(id: string, server: string): Promise<EphemosFetch> {
    const fetch = createFetch({ source: await open(id), authorize: authorizeId(server) });
    closes.push(() => fetch.close());
    return fetch;
  }
  return {
    receiver,
    sdk,
    telemetry,
    source,
    open,
    listen,
    plainFetchAs,
    fetchAs: async (id, server) => telemetry.instrumentFetch(await plainFetchAs(id, server)),
    async serve(id, caller, handler) {
      const { intercept } = telemetry;
      const port = await listen(createServer({ source: await open(id), authorize: authorizeId(caller), intercept }, handler));
      return `https://127.0.0.1:${port}`;
    },
    atEnd: (close) => void closes.push(close),
    async [Symbol.asyncDispose]() {
      for (const close of closes.reverse()) await close();
      for (const source of sources) await source.close();
      await telemetry.close();
      await sdk[Symbol.asyncDispose]();
      await receiver[Symbol.asyncDispose]();
    },
  };
}

/** How a log line would be tied to a span. */
export function idsOf(span: { readonly traceId: string; readonly spanId: string } | undefined): Omit<TraceIds, 'trace_flags'> {
  return { trace_id: span?.traceId ?? 'no span', span_id: span?.spanId ?? 'no span' };
}
