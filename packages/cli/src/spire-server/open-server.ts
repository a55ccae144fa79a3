// The way to SPIRE's server: an address in, its client out. Over the admin socket as whoever may open it, else over mTLS with an SVID of this
// process, and then to no other server than that of its trust domain.
import { connect } from 'node:net';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { EphemosError } from 'ephemos/errors';
import { fetchWorkload } from '../workload.ts';
import type { ServerAddress } from './address.ts';
import { createServerClient } from './client.ts';
import { failSilence, type SessionManager } from './fail-silence.ts';
import type { SpireServer } from './server.ts';

/** Largest answer that is taken, in bytes. A page of 500 entries is some 200 KiB. */
export const MAX_ANSWER_BYTES: number = 16 * 2 ** 20;

/** How to come to the server. */
export interface ServerOptions {
  readonly address: ServerAddress;
  /** The Workload API, for mTLS; without it SPIFFE_ENDPOINT_SOCKET. */
  readonly socket: string | undefined;
  /** Which SVID to come with, when there are several. */
  readonly as: string | undefined;
  /** How long an answer may take, in milliseconds. */
  readonly timeout: number;
}

/**
 * Opens the server. It is dialled when it is first asked.
 * @throws {EphemosError} over mTLS ERR_ENDPOINT_*, ERR_WORKLOAD_API_*, ERR_IDENTITY_*
 */
export async function openServer(options: ServerOptions): Promise<SpireServer> {
  const { address, timeout } = options;
  const { manager, spiffeId, close } = address.scheme === 'unix' ? overSocket(address.path) : await overTls(address, options);
  const sessionManager = failSilence(manager);
  const transport = createGrpcTransport({
    baseUrl: sessionManager.authority,
    sessionManager,
    readMaxBytes: MAX_ANSWER_BYTES,
    defaultTimeoutMs: timeout,
  });
  return createServerClient(transport, { caller: { address, spiffeId, timeout }, close });
}

interface Line {
  readonly manager: SessionManager;
  /** Ours, as the server sees it. */
  readonly spiffeId: string | undefined;
  close(): Promise<void>;
}

function overSocket(path: string): Line {
  const manager = new Http2SessionManager('http://localhost', {}, { createConnection: () => connect(path) });
  return { manager, spiffeId: undefined, close: async () => manager.abort() };
}

type TlsAddress = Extract<ServerAddress, { readonly scheme: 'tls' }>;

async function overTls({ host, port }: TlsAddress, { socket, as, timeout }: ServerOptions): Promise<Line> {
  // Asked once first: a source waits for an identity that is not issued yet, or not the one that was asked for.
  const { context } = await fetchWorkload(socket, timeout);
  const there = context.svids.map((svid) => svid.id.toString());
  if (as !== undefined && !there.includes(as)) {
    throw new EphemosError('ERR_IDENTITY_NOT_FOUND', `the Workload API gives this process no ${as}`, {
      hint: `there are: ${there.join(', ')}`,
    });
  }
  const { authorizeId, openX509Source } = await import('ephemos');
  const { createSessionManager } = await import('ephemos/connect');
  const source = await openX509Source({ endpoint: socket, id: as, timeout });
  const { id } = source.svid;
  const manager = createSessionManager(`https://${host.includes(':') ? `[${host}]` : host}:${port}`, {
    source,
    authorize: authorizeId(`${id.trustDomain.idString}/spire/server`),
    connectTimeout: timeout,
  });
  return {
    manager,
    spiffeId: id.toString(),
    async close() {
      await manager.close();
      await source.close();
    },
  };
}
