// The second gate: a request on a connection that was admitted in, undefined or the answer that refuses it out.
import { type Authorizer, decide, decidesTargets } from '../authorize/authorizer.ts';
import type { Target } from '../authorize/target.ts';
import { parseGrpcTarget } from '../authorize/target-grpc.ts';
import { parseRequestTarget, type RequestHead } from '../authorize/target-request.ts';
import { formatTarget } from '../authorize/target-text.ts';
import { EphemosError, isEphemosError } from '../errors.ts';
import { publish } from '../observe/channels.ts';
import type { LiveConnection } from '../tls/live-connection.ts';

/** How a request is refused. */
export interface RequestRefusal {
  /** 400: its target is in no form that could be compared with a rule. 403: nothing allows it. */
  readonly status: 400 | 403;
  /** True when the whole connection is refused by now. */
  readonly whole: boolean;
  readonly error: EphemosError;
}

/** Judges requests. */
export interface RequestGate {
  judgeHttp(connection: LiveConnection, head: RequestHead): RequestRefusal | undefined;
  judgeGrpc(connection: LiveConnection, path: string): RequestRefusal | undefined;
}

// What an audit may show of a target that was refused as malformed.
const MAX_SHOWN_CHARACTERS = 256;

/** Makes a gate of an authorizer that `checkAuthorizer` returned. One that is asked at the connection alone lets every target pass. */
export function createRequestGate(authorize: Authorizer): RequestGate {
  const asksTargets = decidesTargets(authorize);

  function judge(connection: LiveConnection, text: () => string, parse: () => Target): RequestRefusal | undefined {
    if (connection.refused) return { status: 403, whole: true, error: notAdmitted(connection) };
    if (!asksTargets) return undefined;
    try {
      const target = parse();
      const { refusal, allowed, rule, reason } = decide(authorize, connection.peer, target);
      tell(connection, { target: () => formatTarget(target), allowed, rule, reason });
      return refusal === undefined ? undefined : { status: 403, whole: false, error: refusal };
    } catch (error) {
      if (!isEphemosError(error, 'ERR_TARGET_INVALID')) throw error;
      tell(connection, { target: () => text().slice(0, MAX_SHOWN_CHARACTERS), allowed: false, rule: undefined, reason: 'target_invalid' });
      return { status: 400, whole: false, error };
    }
  }

  return {
    judgeHttp: (connection, head) =>
      judge(
        connection,
        () => `${head.method} ${head.url}`,
        () => parseRequestTarget(head),
      ),
    judgeGrpc: (connection, path) =>
      judge(
        connection,
        () => path,
        () => parseGrpcTarget(path),
      ),
  };
}

interface Told {
  readonly target: () => string;
  readonly allowed: boolean;
  readonly rule: string | undefined;
  readonly reason: string;
}

function tell({ role, peer, socket }: LiveConnection, { target, ...answer }: Told): void {
  publish('decision', () => ({
    role,
    gate: 'request',
    peer: peer.id.toString(),
    target: target(),
    ...answer,
    remoteAddress: socket.remoteAddress,
  }));
}

function notAdmitted({ peer }: LiveConnection): EphemosError {
  return new EphemosError('ERR_PEER_UNAUTHORIZED', `${peer.id} is not admitted any more`);
}
