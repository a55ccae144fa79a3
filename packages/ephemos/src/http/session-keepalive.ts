// An HTTP/2 session and how long it may be silent in, pings and a goodbye out: what gRPC calls keepalive, for whoever serves the session.
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { EphemosError } from '../errors.ts';
import { sayGoodbye } from './say-goodbye.ts';

/** Pings and idle time, in milliseconds. */
export interface KeepaliveOptions {
  /** A session is pinged after so long; 0 for never. */
  readonly time?: number | undefined;
  /** How long the answer may take before the connection is cut; default 20,000. */
  readonly timeout?: number | undefined;
  /** How long a session may be without requests before it is told to end; 0, the default, for any time. */
  readonly maxConnectionIdle?: number | undefined;
}

/** How long the answer to a ping may take, in milliseconds (gRPC A8). */
export const PING_TIMEOUT_MS = 20_000;

/** @throws {EphemosError} ERR_OPTION_INVALID */
export function checkKeepalive({ time, timeout, maxConnectionIdle }: KeepaliveOptions): void {
  for (const [name, value] of Object.entries({ time, timeout, maxConnectionIdle })) {
    if (value === undefined || (Number.isFinite(value) && value >= 0 && value < 2 ** 31)) continue;
    throw new EphemosError('ERR_OPTION_INVALID', `keepalive.${name} must be a number of milliseconds from 0 to 2,147,483,647`);
  }
}

/** Watches over a session until it closes. */
export function keepSession(
  session: ServerHttp2Session,
  { time = 0, timeout = PING_TIMEOUT_MS, maxConnectionIdle = 0 }: KeepaliveOptions,
): void {
  const pings = time > 0 ? setInterval(ping, time).unref() : undefined;
  let open = 0;
  let idle = startIdle();
  session.on('stream', (stream: ServerHttp2Stream) => {
    open += 1;
    clearTimeout(idle);
    stream.once('close', () => {
      open -= 1;
      if (open === 0) idle = startIdle();
    });
  });
  session.once('close', () => {
    clearInterval(pings);
    clearTimeout(idle);
  });

  function startIdle(): NodeJS.Timeout | undefined {
    return maxConnectionIdle > 0 ? setTimeout(() => sayGoodbye(session), maxConnectionIdle).unref() : undefined;
  }

  function ping(): void {
    if (session.closed || session.destroyed) return;
    const late = setTimeout(() => session.destroy(), timeout).unref();
    session.ping(() => clearTimeout(late));
  }
}
