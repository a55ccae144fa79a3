// Readiness on loopback, in plain HTTP: what `echo-server health` asks, with or without an identity.
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { Address } from './config.ts';

/** Longer than any answer over loopback takes, and shorter than the timeouts of those who run the probe. */
const probeTimeoutMs = 3_000;

/** The endpoint of the probe. */
export interface HealthEndpoint {
  readonly port: number;
  close(): void;
}

/** Serves GET /readyz. `obstacle()` says why the server is not ready, or undefined when it is. */
export async function openHealth({ host, port }: Address, obstacle: () => string | undefined): Promise<HealthEndpoint> {
  const server = createServer((request, response) => {
    const reason = request.url === '/readyz' ? obstacle() : 'there is only /readyz here';
    response.writeHead(reason === undefined ? 200 : request.url === '/readyz' ? 503 : 404, { connection: 'close' });
    response.end(`${reason ?? 'ready'}\n`);
  });
  server.listen(port, host);
  await once(server, 'listening');
  const bound = server.address();
  return { port: typeof bound === 'object' && bound !== null ? bound.port : port, close: () => server.close() };
}

/** Asks a running server. Resolves with the reason why it is not ready, or undefined when it is. */
export function probe({ host, port }: Address): Promise<string | undefined> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(probeTimeoutMs);
    const request = get({ host, port, path: '/readyz', agent: false, signal }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve(response.statusCode === 200 ? undefined : text.trim()));
      response.on('error', () => resolve('the answer broke off'));
    });
    request.on('error', (error) => resolve(signal.aborted ? `no answer within ${probeTimeoutMs / 1000} s` : error.message));
  });
}
