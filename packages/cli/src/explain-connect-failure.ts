// Why no handshake came about: an error of the system or of OpenSSL in, one of ours with the mend out.
import { EphemosError, type ErrorCode, isEphemosError } from 'ephemos/errors';

interface Explanation {
  readonly code?: ErrorCode;
  readonly says: string;
  readonly hint?: string;
}

const CLOSED: Explanation = {
  says: 'closed the connection during the handshake',
  hint: 'it may have no identity at this moment, or speak no TLS; its log says why',
};
const NO_TLS: Explanation = { says: 'does not speak TLS', hint: 'is this the right port?' };
const OLD_TLS: Explanation = { says: 'does not speak TLS 1.3', hint: 'Ephemos speaks TLS 1.2 only where minVersion asks for it' };

const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  ECONNREFUSED: { says: 'refuses connections', hint: 'nobody listens there: is the service running, and is this its port?' },
  ECONNRESET: CLOSED,
  EPIPE: CLOSED,
  EHOSTUNREACH: { says: 'cannot be reached', hint: 'there is no route to it, or a firewall stands between' },
  ENETUNREACH: { says: 'cannot be reached', hint: 'there is no route to it from this machine' },
  ETIMEDOUT: { says: 'does not answer', hint: 'a firewall may stand between' },
  ENOTFOUND: { says: 'has a name that cannot be resolved', hint: 'check the host name' },
  EAI_AGAIN: { says: 'has a name that cannot be resolved now', hint: 'is the name server reachable?' },
  ERR_SSL_HTTP_REQUEST: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: OLD_TLS,
  ERR_SSL_UNSUPPORTED_PROTOCOL: OLD_TLS,
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: {
    code: 'ERR_ALPN_MISMATCH',
    says: 'speaks none of the protocols that --alpn offers',
    hint: 'on a port that gRPC and HTTP share, h2 is gRPC and HTTP is http/1.1',
  },
};

/** Explains why `target` could not be connected to. Errors of Ephemos pass as they are. */
export function explainConnectFailure(error: unknown, target: string): unknown {
  if (isEphemosError(error)) return error;
  // Node tries every address of a name and gives the failures together.
  const first: unknown = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  const code = first instanceof Error && 'code' in first && typeof first.code === 'string' ? first.code : '';
  const explanation = EXPLANATIONS[code] ?? {
    says: `cannot be connected to: ${code || (first instanceof Error ? first.message : String(first))}`,
  };
  return new EphemosError(explanation.code ?? 'ERR_CONNECT_FAILED', `${target} ${explanation.says}`, {
    hint: explanation.hint,
    cause: error,
  });
}
