import { once } from 'node:events';
import { connect } from 'node:net';
import { createTestAuthority } from '@ephemos/dev';
import { authorizeId, createFetch, createServer } from 'ephemos';
import { expect, it } from 'vitest';
import { createAudit } from '../../src/logs/create-audit.ts';
import { createMemoryLog } from './memory-log.ts';

it('an audit tells of a peer that is not admitted once, and of a caller that speaks no TLS once', async () => {
  const authority = createTestAuthority('example.org');
  await using orders = await authority.openX509Source('spiffe://example.org/orders');
  await using intruder = await authority.openX509Source('spiffe://example.org/intruder');
  const server = createServer({ source: orders, authorize: authorizeId('spiffe://example.org/web') }, (_req, res) => res.end());
  const { log, parsed } = createMemoryLog();
  using _audit = createAudit({ log, sample: 0 });
  try {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new TypeError('no port');
    const fetch = createFetch({ source: intruder, authorize: authorizeId('spiffe://example.org/orders') });
    await expect(fetch(`https://127.0.0.1:${address.port}/`)).rejects.toThrow();
    const stranger = connect(address.port, '127.0.0.1');
    stranger.on('error', () => undefined).end('GET / HTTP/1.1\r\n\r\n');
    await once(server, 'tlsClientError');
    expect(parsed()).toMatchObject([
      { audit: 'deny', gate: 'connection', role: 'server', peer: 'spiffe://example.org/intruder', reason: 'denied', address: '127.0.0.1' },
      {
        audit: 'deny',
        gate: 'connection',
        role: 'server',
        reason: 'ERR_HANDSHAKE_FAILED',
        detail: expect.any(String),
        address: '127.0.0.1',
      },
    ]);
    stranger.destroy();
  } finally {
    server.close();
  }
});
