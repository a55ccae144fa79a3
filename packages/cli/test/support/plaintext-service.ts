// The two plaintext ports of a service, as an HTTP server that answers what the test says.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

/** A scrape of a service that was up for half a minute, as it came. */
export const recordedScrape: string = readFileSync(fileURLToPath(new URL('../top/scrape.txt', import.meta.url)), 'utf8');

/** What the ports answer now. */
export interface Answers {
  /** The document of every probe; `undefined` hangs. */
  probe: { readonly ok: boolean; readonly checks: readonly object[] } | undefined;
  scrape: string;
}

export interface PlaintextService extends AsyncDisposable {
  readonly answers: Answers;
  readonly port: number;
  /** `127.0.0.1:port` */
  readonly address: string;
  /** Paths that were asked for. */
  readonly asked: readonly string[];
}

export const healthy: Answers['probe'] = { ok: true, checks: [{ name: 'svid', ok: true }] };

/** Opens one port that answers for both. */
export async function openPlaintextService(port = 0): Promise<PlaintextService> {
  const answers: Answers = { probe: healthy, scrape: recordedScrape };
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    const { url = '' } = request;
    asked.push(url);
    if (url === '/metrics') {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(answers.scrape);
      return;
    }
    if (answers.probe === undefined) return;
    response.writeHead(answers.probe.ok ? 200 : 503, { 'content-type': 'application/json' }).end(JSON.stringify(answers.probe));
  });
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const bound: AddressInfo | string | null = server.address();
  const actual = typeof bound === 'object' && bound !== null ? bound.port : 0;
  return {
    answers,
    asked,
    port: actual,
    address: `127.0.0.1:${actual}`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** A configuration whose ports are these. */
export function configOf(health: string, metrics: string): string {
  return [
    'service: { name: orders, domain: prod.acme.com, authorized_clients: [spiffe://prod.acme.com/web] }',
    'listen: { address: "127.0.0.1:0" }',
    `health: { address: "${health}" }`,
    `metrics: { address: "${metrics}" }`,
    '',
  ].join('\n');
}
