// What went wrong on the wire, in the words of SPIFFE_Workload_Endpoint.md section 6: gRPC status in, one EphemosError out.
import { Code, ConnectError } from '@connectrpc/connect';
import { EphemosError, isEphemosError } from '../errors.ts';
import { type Endpoint, formatEndpoint } from './endpoint.ts';

/** Turns whatever a call threw into an error with a code, and a hint that names the mend. */
export function readRpcError(thrown: unknown, endpoint: Endpoint): EphemosError {
  if (isEphemosError(thrown)) return thrown;
  const error = ConnectError.from(thrown);
  const said = error.rawMessage.slice(0, 300);
  switch (error.code) {
    case Code.PermissionDenied:
      return new EphemosError('ERR_WORKLOAD_API_PERMISSION_DENIED', `the Workload API grants no identity: ${said}`, {
        hint: `register this workload: spire-server entry create -parentID <agent ID> -spiffeID <its SPIFFE ID> -selector unix:uid:${userId()}; it arrives with the agent's next sync. With the development agent: ephemos dev exec --as <its SPIFFE ID> -- <command>`,
        cause: error,
      });
    case Code.InvalidArgument:
      return new EphemosError('ERR_WORKLOAD_API_INVALID_ARGUMENT', `the Workload API refused the request: ${said}`, {
        hint: 'something other than a Workload API may answer at this endpoint',
        cause: error,
      });
    case Code.Unimplemented:
      return new EphemosError('ERR_WORKLOAD_API_UNIMPLEMENTED', `the Workload API does not offer X.509-SVIDs: ${said}`, {
        hint: 'check that the endpoint is the agent and not the server or another gRPC service',
        cause: error,
      });
    case Code.ResourceExhausted:
      return new EphemosError(
        'ERR_WORKLOAD_API_RESPONSE_INVALID',
        `the Workload API sent too large an update, or limits this caller: ${said}`,
        { cause: error },
      );
    default:
      return new EphemosError('ERR_WORKLOAD_API_UNAVAILABLE', `the Workload API at ${formatEndpoint(endpoint)} is unavailable: ${said}`, {
        hint: unavailableHint(error, endpoint),
        cause: error,
      });
  }
}

function unavailableHint(error: ConnectError, endpoint: Endpoint): string {
  const where = formatEndpoint(endpoint);
  switch (systemCode(error)) {
    case 'ENOENT':
      return `nothing is at ${where}: start the agent, or mount its socket into this container`;
    case 'ECONNREFUSED':
      return `nobody listens at ${where}: the agent has stopped`;
    case 'EACCES':
    case 'EPERM':
      return `this user (uid ${userId()}) may not open ${where}: check the modes of the socket and of every directory above it`;
    case 'ENOTSOCK':
      return `${where} is not a socket: check the path`;
    default:
      return 'is the agent running and attested? see its log';
  }
}

function systemCode(error: ConnectError): string | undefined {
  for (let cause: unknown = error.cause, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return undefined;
}

function userId(): string {
  return String(process.getuid?.() ?? '<uid>');
}
