// Serves the Workload API on one connection: snapshots of the registry in, gRPC streams out (SPIFFE_Workload_API, sections 4 and 5).
import { createServer, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { SpiffeWorkloadAPI, type X509BundlesResponse, type X509SVIDResponse } from 'ephemos/workload-api';
import type { Caller } from '../registry/entry.ts';
import type { RefusalCode } from '../registry/fault.ts';
import type { Registry } from '../registry/registry.ts';
import { bundleParts, type IdentitiesOf, svidParts, type View, type WatchViewsOptions, watchViews } from '../registry/view.ts';
import { createX509BundlesResponse, createX509SvidResponse } from '../registry/x509-response.ts';
import type { OnDevAgentEvent, StreamDescription } from './event.ts';
import { answerUnimplemented } from './unimplemented.ts';

/** Whom one connection serves. */
export interface WorkloadApiConnection {
  readonly registry: Registry;
  readonly endpoint: string;
  readonly caller: Caller | undefined;
  /** The identities that the caller has in a snapshot. */
  readonly identitiesOf: IdentitiesOf;
  readonly nextNumber: () => number;
  readonly onEvent: OnDevAgentEvent;
}

/** Largest request taken, in bytes. The requests of this service are empty. */
const maxRequestBytes = 64 * 1024;

const codes: Readonly<Record<RefusalCode, Code>> = {
  INVALID_ARGUMENT: Code.InvalidArgument,
  DEADLINE_EXCEEDED: Code.DeadlineExceeded,
  PERMISSION_DENIED: Code.PermissionDenied,
  RESOURCE_EXHAUSTED: Code.ResourceExhausted,
  UNIMPLEMENTED: Code.Unimplemented,
  INTERNAL: Code.Internal,
  UNAVAILABLE: Code.Unavailable,
  UNAUTHENTICATED: Code.Unauthenticated,
};

/** Speaks HTTP/2 on an accepted connection. One server for each: so a call knows its connection, and with it its caller. */
export function serveWorkloadApi(socket: Socket, connection: WorkloadApiConnection): void {
  const answer = connectNodeAdapter({
    routes: (router) => addRoutes(router, connection),
    fallback: answerUnimplemented,
    connect: false,
    grpcWeb: false,
    readMaxBytes: maxRequestBytes,
  });
  const server = createServer((request, response) => {
    // gRPC clients put all sorts of authorities on a unix socket, the percent-encoded path among them; connect-node 2.1 throws at those.
    request.headers[':authority'] = 'localhost';
    answer(request, response);
  });
  server.on('sessionError', (_error: Error, session: ServerHttp2Session) => session.destroy());
  server.emit('connection', socket);
}

interface Profile<T> {
  readonly rpc: StreamDescription['rpc'];
  readonly partsOf: (view: View) => readonly unknown[];
  readonly createMessage: (view: View) => T;
}

const svids: Profile<X509SVIDResponse> = {
  rpc: 'FetchX509SVID',
  partsOf: svidParts,
  createMessage: createX509SvidResponse,
};

function addRoutes(router: ConnectRouter, connection: WorkloadApiConnection): void {
  const bundles: Profile<X509BundlesResponse> = {
    rpc: 'FetchX509Bundles',
    partsOf: bundleParts,
    createMessage: ({ snapshot }) => createX509BundlesResponse(snapshot, connection.registry.trustDomain),
  };
  router.service(SpiffeWorkloadAPI, {
    fetchX509SVID: (_request, context) => stream(connection, svids, context),
    fetchX509Bundles: (_request, context) => stream(connection, bundles, context),
  });
}

async function* stream<T>(
  connection: WorkloadApiConnection,
  profile: Profile<T>,
  { requestHeader, signal }: HandlerContext,
): AsyncGenerator<T, void, undefined> {
  const { endpoint, caller, onEvent, nextNumber } = connection;
  const description: StreamDescription = Object.freeze({ number: nextNumber(), rpc: profile.rpc, endpoint, caller });
  onEvent({ type: 'stream-opened', stream: description });
  try {
    if (requestHeader.get('workload.spiffe.io') !== 'true') {
      throw new ConnectError('security header missing from request', Code.InvalidArgument);
    }
    for await (const view of answers(connection, { identitiesOf: connection.identitiesOf, partsOf: profile.partsOf, signal })) {
      yield profile.createMessage(view);
      onEvent({ type: 'update-sent', stream: description, ids: view.identities.map(({ entry }) => entry.id.toString()) });
    }
  } catch (error) {
    if (error instanceof ConnectError) onEvent({ type: 'stream-refused', stream: description, reason: error.rawMessage });
    throw error;
  } finally {
    onEvent({ type: 'stream-closed', stream: description });
  }
}

/** The views that a message tells of. Ends when streams are dropped; throws the refusal when there is one. */
async function* answers({ registry }: WorkloadApiConnection, options: WatchViewsOptions): AsyncGenerator<View, void, undefined> {
  const { epoch } = registry.state.current;
  for await (const view of watchViews(registry, options)) {
    const { fault } = view.snapshot;
    if (view.snapshot.epoch !== epoch) return;
    if (fault?.kind === 'hang') continue;
    if (fault?.kind === 'refuse') throw new ConnectError(`refused on demand with ${fault.code}`, codes[fault.code]);
    if (view.identities.length === 0) throw new ConnectError('no identity issued', Code.PermissionDenied);
    yield view;
  }
}
