import { credentials as stockCredentials } from '@grpc/grpc-js';
import { it } from 'vitest';
import type { TLSSocket } from 'node:tls';
import { createGrpcListener } from 'ephemos/grpc';
import { boundSession } from '../../src/http/bound-session.ts';
import { createEchoClient, createEchoServer } from '../support/grpc-echo.ts';
import { listening } from '../support/listening.ts';
import { stockClient } from '../support/stock.ts';
import { openTlsWorld, WEB } from '../support/tls-world.ts';
it('x', { timeout: 60000 }, async () => {
  await using world = await openTlsWorld();
  const listener = createGrpcListener(createEchoServer(() => 'x').server, world.server);
  await using server = await listening(listener);
  const { key, cert, ca, checkServerIdentity } = await stockClient(world.authority, WEB, 600);
  const credentials = stockCredentials.createSsl(Buffer.from(ca.join('')), Buffer.from(key), Buffer.from(cert), { checkServerIdentity });
  for (const mode of ['notice', 'close', 'notice', 'notice+turn', 'close']) {
  using client = createEchoClient(`localhost:${server.port}`, credentials, { 'grpc.use_local_subchannel_pool': 1 });
    let ok = 0; const fails: Record<string, number> = {}; let goodbyes = 0;
    const onSocket = (socket: TLSSocket) => { setTimeout(() => {
      const session = boundSession(socket); if (!session || session.destroyed) return; goodbyes++;
      if (mode === 'notice') { session.goaway(0, 2**31-1); setTimeout(() => session.close(), 1000); }
      else if (mode === 'close') session.close();
      else setImmediate(() => { session.goaway(0, 2**31-1); setTimeout(() => session.close(), 1000); });
    }, 20 + Math.random() * 30); };
    listener.on('secureConnection', onSocket);
    // first connection of mode
    const until = Date.now() + 4000;
    await Promise.all(Array.from({ length: 2 }, async () => { while (Date.now() < until) { try { await client.echo('y'); ok++; } catch (e) { const d = String((e as any).details); fails[d] = (fails[d] ?? 0) + 1; } await new Promise((r) => setTimeout(r, Math.random() * 3)); } }));
    listener.off('secureConnection', onSocket);
    console.log(process.version, mode, { ok, goodbyes }, fails);
  }
});
