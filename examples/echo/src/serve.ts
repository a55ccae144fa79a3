// The server from start to end: a configuration in; gRPC and HTTP on one port, behind mTLS, until it is told to stop.
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { authorizeOneOf, isEphemosError, type X509Source } from 'ephemos';
import { createGrpcListener } from 'ephemos/grpc';
import type { EchoConfig } from './config.ts';
import { createEchoServer } from './grpc.ts';
import { openHealth } from './health.ts';
import { createEchoListener } from './http.ts';
import { openIdentity } from './identity.ts';

/** How long clients have to hear that the server is going, before it closes idle connections, in milliseconds. */
const noticeMs = 1_000;
/** How long the calls that are under way then may still take, in milliseconds. */
const finishMs = 9_000;

/** Serves until `stop` is aborted, then lets the calls under way finish. What happens is told as lines of JSON. */
export async function serve(config: EchoConfig, stop: AbortSignal): Promise<void> {
  let source: X509Source | undefined;
  let listening = false;
  // Open before there is an identity: a probe must be able to say what the server waits for.
  const health = await openHealth(config.health, () => {
    if (stop.aborted) return 'draining';
    if (source === undefined) return 'waiting for an identity';
    if (source.health.state !== 'ready') return `the identity is ${source.health.state}`;
    return listening ? undefined : 'not listening yet';
  });

  source = await openIdentity(config, {
    signal: stop,
    onWaiting: ({ code, message, hint }) => say('waiting', { code, reason: message, hint }),
  });
  const echo = createEchoServer();
  const listener = createGrpcListener(echo.server, {
    source,
    authorize: authorizeOneOf(config.peers),
    http: createEchoListener(() => stop.aborted),
  });
  listener.on('tlsClientError', (error, socket) => {
    // Handshakes that fail before there is anybody to judge come here too; those are Node's errors.
    if (isEphemosError(error)) say('refused', { code: error.code, reason: error.message, remoteAddress: socket.remoteAddress });
  });

  listener.listen(config.listen.port, config.listen.host);
  await once(listener, 'listening');
  listening = true;
  echo.setServing(true);
  const { svid } = source;
  source.subscribe(() => echo.setServing(!stop.aborted && source.health.state === 'ready'));
  say('listening', { address: addressOf(listener), id: svid.id, health: `${config.health.host}:${health.port}` });
  if (!stop.aborted) await once(stop, 'abort');

  say('draining', {});
  echo.setServing(false);
  await setTimeout(noticeMs);
  const closed = once(listener, 'close');
  listener.close();
  echo.endWatches();
  echo.server.tryShutdown(() => undefined);
  const inTime = await Promise.race([closed.then(() => true), setTimeout(finishMs, false)]);
  say('drained', { inTime });
}

function addressOf(listener: { address(): unknown }): string {
  const bound = listener.address();
  if (typeof bound !== 'object' || bound === null || !('address' in bound) || !('port' in bound)) return String(bound);
  const host = String(bound.address);
  return `${host.includes(':') ? `[${host}]` : host}:${bound.port}`;
}

function say(event: string, fields: object): void {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}
