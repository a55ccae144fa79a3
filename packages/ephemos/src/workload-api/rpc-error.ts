// What went wrong on the wire, in the words of SPIFFE_Workload_Endpoint.md section 6: gRPC status in, one EphemosError out.
import { statSync } from 'node:fs';
import { Code, ConnectError } from '@connectrpc/connect';
import { EphemosError, isEphemosError, systemCodeOf } from '../errors.ts';
import { type Endpoint, formatEndpoint } from './endpoint.ts';

/** Turns whatever a call threw into an error with a code, and a hint that names the mend. */
export function readRpcError(thrown: unknown, endpoint: Endpoint): EphemosError {
  if (isEphemosError(thrown)) return thrown;
  const error = ConnectError.from(thrown);
  // A code counts when the agent has said it. connect-node makes codes of HTTP statuses and stream resets too, and the 403 of whatever else
  // may answer withdraws no identity.
  switch (error.metadata.has('grpc-status') ? error.code : undefined) {
    case Code.PermissionDenied:
      return new EphemosError('ERR_WORKLOAD_API_PERMISSION_DENIED', `the Workload API grants no identity: ${said(error)}`, {
        hint: `register this workload: spire-server entry create -parentID <agent ID> -spiffeID <its SPIFFE ID> -selector unix:uid:${userId()}; it arrives with the agent's next sync. With the development agent: ephemos dev exec --as <its SPIFFE ID> -- <command>`,
        cause: error,
      });
    case Code.InvalidArgument:
      return new EphemosError('ERR_WORKLOAD_API_INVALID_ARGUMENT', `the Workload API refused the request: ${said(error)}`, {
        hint: 'something other than a Workload API may answer at this endpoint',
        cause: error,
      });
    case Code.Unimplemented:
      return new EphemosError('ERR_WORKLOAD_API_UNIMPLEMENTED', `the Workload API does not offer X.509-SVIDs: ${said(error)}`, {
        hint: 'check that the endpoint is the agent and not the server or another gRPC service',
        cause: error,
      });
    case Code.ResourceExhausted:
      return unavailable(error, endpoint, 'the agent limits this caller, or has more to send than it may');
    default:
      return NO_MESSAGE.test(error.rawMessage) ? notAMessage(error) : unavailable(error, endpoint, unavailableHint(error, endpoint));
  }
}

// What connect-node says of bytes that are no message, and of more bytes than MAX_MESSAGE_BYTES (2.1; the tests hold it).
const NO_MESSAGE = /^parse binary: |is larger than configured readMaxBytes/;

function notAMessage(error: ConnectError): EphemosError {
  return new EphemosError('ERR_WORKLOAD_API_RESPONSE_INVALID', `the Workload API sent what cannot be taken: ${said(error)}`, {
    hint: 'the last good update stays in use; look at the log of the agent',
    cause: error,
  });
}

function unavailable(error: ConnectError, endpoint: Endpoint, hint: string): EphemosError {
  return new EphemosError(
    'ERR_WORKLOAD_API_UNAVAILABLE',
    `the Workload API at ${formatEndpoint(endpoint)} is unavailable: ${said(error)}`,
    {
      hint,
      cause: error,
    },
  );
}

function said({ rawMessage }: ConnectError): string {
  return rawMessage.slice(0, 300);
}

function unavailableHint(error: ConnectError, endpoint: Endpoint): string {
  const where = formatEndpoint(endpoint);
  switch (systemCodeOf(error)) {
    case 'ENOENT':
      return `nothing is at ${where}: start the agent, or mount its socket into this container`;
    case 'ECONNREFUSED':
      return otherFileHint(endpoint) ?? `nobody listens at ${where}: the agent has stopped`;
    case 'EACCES':
    case 'EPERM':
      return `this user (uid ${userId()}) may not open ${where}: check the modes of the socket and of every directory above it`;
    case 'ENOTSOCK':
      return `${where} is not a socket: check the path`;
    default:
      return 'is the agent running and attested? see its log';
  }
}

// Linux refuses a connection to a file of another kind with the same code as one to a socket where nobody listens.
function otherFileHint(endpoint: Endpoint): string | undefined {
  if (endpoint.scheme !== 'unix') return undefined;
  try {
    const file = statSync(endpoint.path);
    if (file.isSocket()) return undefined;
    if (!file.isDirectory()) return `${formatEndpoint(endpoint)} is not a socket: check the path`;
    return `${formatEndpoint(endpoint)} is a directory: a container that was started before the agent mounts one; start the agent first`;
  } catch {
    // It went away in this moment.
    return undefined;
  }
}

// The effective user: the one that the agent and the file modes see.
function userId(): string {
  return String(process.geteuid?.() ?? '<uid>');
}
