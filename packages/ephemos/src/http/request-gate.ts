// The second gate: a request on a connection that was admitted in, undefined or how it is refused out.
import { type Authorizer, decidesTargets } from '../authorize/authorizer.ts';
import { parseGrpcTarget } from '../authorize/target-grpc.ts';
import { parseRequestTarget, type RequestHead } from '../authorize/target-request.ts';
import { EphemosError } from '../errors.ts';
import type { LiveConnection } from '../tls/live-connection.ts';
import { type Asked, judgeTarget, type TargetRefusal } from './target-judge.ts';

/** How a request is refused. */
export interface RequestRefusal extends TargetRefusal {
  /** True when the whole connection is refused by now. */
  readonly whole?: boolean;
}

/** Judges requests. */
export interface RequestGate {
  judgeHttp(connection: LiveConnection, head: RequestHead): RequestRefusal | undefined;
  judgeGrpc(connection: LiveConnection, path: string): RequestRefusal | undefined;
}

/** Makes a gate of an authorizer that `checkAuthorizer` returned. One that is asked at the connection alone lets every target pass. */
export function createRequestGate(authorize: Authorizer): RequestGate {
  const asksTargets = decidesTargets(authorize);

  function judge(connection: LiveConnection, asked: Asked): RequestRefusal | undefined {
    if (connection.refused) return { status: 403, whole: true, error: notAdmitted(connection) };
    return asksTargets ? judgeTarget(authorize, connection, asked) : undefined;
  }

  return {
    judgeHttp: (connection, head) => judge(connection, { text: () => `${head.method} ${head.url}`, parse: () => parseRequestTarget(head) }),
    judgeGrpc: (connection, path) => judge(connection, { text: () => path, parse: () => parseGrpcTarget(path) }),
  };
}

function notAdmitted({ peer }: LiveConnection): EphemosError {
  return new EphemosError('ERR_PEER_UNAUTHORIZED', `${peer.id} is not admitted any more`);
}
