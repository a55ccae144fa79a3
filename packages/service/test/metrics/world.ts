// What the tests of metrics run in: a trust domain in memory, the metrics of one service in it, and servers that are gone at the end.
import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { createTestAuthority, type TestAuthority } from '@ephemos/dev';
import type { X509Source } from 'ephemos';
import { createMetrics, type Metrics, type MetricsOptions } from '../../src/metrics/create-metrics.ts';
import { type Scrape, scrape } from './scrape.ts';

export const host = '127.0.0.1';
export const ORDERS = 'spiffe://example.org/orders';
export const WEB = 'spiffe://example.org/web';

export interface MetricsWorld extends AsyncDisposable {
  readonly authority: TestAuthority;
  /** Of orders. */
  readonly source: X509Source;
  readonly metrics: Metrics;
  scrape(): Promise<Scrape>;
  /** Another source, closed at the end. */
  open(id: string, authority?: TestAuthority): Promise<X509Source>;
  /** Listens and returns the port. */
  listen(server: Server): Promise<number>;
  /** Runs at the end. */
  atEnd(close: () => unknown): void;
}

export async function openMetricsWorld(options: Partial<MetricsOptions> = {}): Promise<MetricsWorld> {
  const authority = createTestAuthority('example.org');
  const sources: X509Source[] = [];
  const closes: (() => unknown)[] = [];
  async function open(id: string, of: TestAuthority = authority): Promise<X509Source> {
    const source = await of.openX509Source(id);
    sources.push(source);
    return source;
  }
  const source = await open(ORDERS);
  const metrics = createMetrics({ service: 'orders', version: '1.2.3', source, ...options });
  return {
    authority,
    source,
    metrics,
    scrape: () => scrape(metrics),
    open,
    async listen(server) {
      const sockets: Socket[] = [];
      server.on('connection', (socket: Socket) => sockets.push(socket));
      server.listen(0, host);
      await once(server, 'listening');
      closes.push(() => {
        server.close();
        for (const socket of sockets) socket.destroy();
      });
      const address = server.address();
      if (address === null || typeof address === 'string') throw new TypeError('the server has no port');
      return address.port;
    },
    atEnd: (close) => void closes.push(close),
    async [Symbol.asyncDispose]() {
      for (const close of closes.reverse()) await close();
      metrics.close();
      for (const each of sources) await each.close();
    },
  };
}

/** Resolves when the condition holds, looked at now and in the turn of every change of the source. */
export function untilSource(source: X509Source, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    function check(): void {
      if (!condition()) return;
      stop();
      resolve();
    }
    const stop = source.subscribe(() => queueMicrotask(check));
    check();
  });
}
