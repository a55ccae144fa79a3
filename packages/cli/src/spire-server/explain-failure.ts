// Why a call of SPIRE's server failed: whatever was thrown in, an error with a code and the mend out.
import { statSync } from 'node:fs';
import { Code, ConnectError } from '@connectrpc/connect';
import { findEphemosError, isEphemosError } from 'ephemos/errors';
import { CommandError } from '../command-error.ts';
import { explainConnectFailure } from '../explain-connect-failure.ts';
import { exitCodes, systemCodeOf } from '../output/exit-code.ts';
import { formatServer, type ServerAddress } from './address.ts';

/** Where a call went, and as whom. */
export interface Caller {
  readonly address: ServerAddress;
  /** Our SPIFFE ID, over mTLS. */
  readonly spiffeId: string | undefined;
  /** How long an answer may take, in milliseconds. */
  readonly timeout: number;
}

/** Explains a failed call. */
export function explainFailure(thrown: unknown, caller: Caller): unknown {
  if (thrown instanceof CommandError || isEphemosError(thrown)) return thrown;
  const error = ConnectError.from(thrown);
  // Ours, from behind the gate: the server is not the one that was meant, or cannot be reached.
  const ours = findEphemosError(error);
  if (ours !== undefined) return ours;
  return error.metadata.has('grpc-status') ? explainAnswer(error, caller) : explainSilence(error, caller);
}

/** Explains that a server that did answer does not any more. */
export function explainLoss(thrown: unknown, { address }: Caller): CommandError {
  const error = ConnectError.from(thrown);
  return unreachable(
    `the server at ${formatServer(address)} was lost: ${saidBy(error)}`,
    'a second run does what is still to be done',
    error,
  );
}

/** True when the call may not have reached the server: its connection was told to go at this moment, or was lost. Nothing here cancels a call. */
export function isLostConnection(thrown: unknown): boolean {
  const error = ConnectError.from(thrown);
  return !error.metadata.has('grpc-status') && [Code.Unavailable, Code.Aborted, Code.Canceled, Code.Internal].includes(error.code);
}

function explainAnswer(error: ConnectError, { address, spiffeId }: Caller): CommandError {
  const where = formatServer(address);
  const said = saidBy(error);
  switch (error.code) {
    case Code.PermissionDenied:
    case Code.Unauthenticated:
      return new CommandError('ERR_SERVER_REFUSED', `the server at ${where} does not allow this: ${said}`, {
        exitCode: exitCodes.identity,
        hint:
          spiffeId === undefined
            ? 'is it the admin socket of spire-server, and not that of an agent?'
            : `${spiffeId} is no admin: give its entry "admin: true", or name it in admin_ids of the server's configuration`,
        cause: error,
      });
    case Code.Unimplemented:
      return new CommandError('ERR_SERVER_FAILED', `what answers at ${where} is no SPIRE server: ${said}`, {
        exitCode: exitCodes.failed,
        hint: 'is it the admin socket of spire-server, and not the Workload API of an agent?',
        cause: error,
      });
    default:
      return new CommandError('ERR_SERVER_FAILED', `the server at ${where} failed: ${said}`, {
        exitCode: exitCodes.failed,
        hint: 'its log says more; a second run does what is still to be done',
        cause: error,
      });
  }
}

function explainSilence(error: ConnectError, { address, timeout }: Caller): unknown {
  const where = formatServer(address);
  const code = systemCodeOf(error);
  if (error.code === Code.DeadlineExceeded) {
    return unreachable(
      `the server at ${where} did not answer within ${timeout / 1000} s`,
      'see its log, or give it longer with --timeout',
      error,
    );
  }
  if (error.code === Code.ResourceExhausted) {
    return new CommandError('ERR_SERVER_FAILED', `the server at ${where} sent more than is taken: ${saidBy(error)}`, {
      exitCode: exitCodes.failed,
      cause: error,
    });
  }
  if (code === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL')
    return unreachable(`what answers at ${where} speaks no gRPC`, 'is this the port of spire-server?', error);
  if (address.scheme === 'tls' && code !== undefined) return explainConnectFailure(causeWithCode(error), where);
  const [what, hint, exitCode] = explainSocket(code, address);
  return unreachable(`the server at ${where} ${what ?? `cannot be reached: ${saidBy(error)}`}`, hint, error, exitCode);
}

type Explanation = readonly [what: string | undefined, hint: string, exitCode?: number];

function explainSocket(code: string | undefined, address: ServerAddress): Explanation {
  const path = address.scheme === 'unix' ? address.path : '';
  switch (code) {
    case 'ENOENT':
      return [
        `has no socket there: nothing is at ${path}`,
        'start spire-server, or look at socket_path of its configuration',
        exitCodes.config,
      ];
    case 'EACCES':
    case 'EPERM':
      return [
        `may not be asked by this user (uid ${process.geteuid?.() ?? '?'})`,
        'only the user of spire-server may open its admin socket: run this as that user, or come with an admin SVID over --server host:port',
        exitCodes.config,
      ];
    case 'ENOTSOCK':
    case 'ENOTDIR':
      return ['has no socket there: it is something else', 'check the path', exitCodes.config];
    case 'ECONNREFUSED':
      if (isNoSocket(path)) return ['has no socket there: it is something else', 'check the path', exitCodes.config];
      return ['refuses connections: nobody listens on its socket', 'spire-server has stopped and left its socket: start it'];
    default:
      return [undefined, 'is spire-server running? its log says more; a second run does what is still to be done'];
  }
}

// Linux refuses a connection to a file of another kind with the same code as one to a socket where nobody listens.
function isNoSocket(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isSocket() === false;
}

function unreachable(message: string, hint: string, cause: unknown, exitCode: number = exitCodes.failed): CommandError {
  return new CommandError('ERR_SERVER_UNREACHABLE', message, { exitCode, hint, cause });
}

function causeWithCode(error: Error): unknown {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
    if ('code' in cause && typeof cause.code === 'string') return cause;
  return error;
}

function saidBy({ rawMessage }: ConnectError): string {
  return rawMessage.slice(0, 300);
}
