// Where everything is in; every probe made once, each within its time; the evidence out.
import { type EphemosError, isEphemosError } from 'ephemos/errors';
import type { Endpoint } from 'ephemos/workload-api';
import type { Context } from '../../context.ts';
import type { Address } from '../../input/address.ts';
import { type Account, asAccount } from './accounts.ts';
import { type AgentLog, readAgentLog, readLogEnd } from './agent-log.ts';
import { readCaller } from './caller.ts';
import type { Answer, Expectation, LiveEvidence } from './evidence.ts';
import { readHealth } from './health.ts';
import { readRegistration } from './registration.ts';
import { readServerPort } from './server-port.ts';
import { readSocket } from './socket.ts';

/** What is to be looked at. */
export interface LiveOptions {
  /** As it was given, and by what; undefined for SPIFFE_ENDPOINT_SOCKET. */
  readonly endpoint: { readonly address: string; readonly from: string } | undefined;
  readonly expected: Expectation;
  readonly account: Account | undefined;
  /** For --server, or SPIRE_SERVER_ADDRESS. */
  readonly server: string | undefined;
  readonly serverAddress: Address | undefined;
  readonly agentHealth: URL | undefined;
  readonly serverHealth: URL | undefined;
  readonly agentLog: string | undefined;
  readonly timeout: number;
}

/**
 * Gathers the evidence.
 * @throws {CommandError} ERR_SERVER_ADDRESS_INVALID, ERR_USAGE_INVALID
 * @throws {EphemosError} ERR_OPTION_INVALID for a log that cannot be read
 */
export async function gather(options: LiveOptions, context: Pick<Context, 'env'>): Promise<LiveEvidence> {
  const { timeout, account, expected } = options;
  // Before anything waits: a mistake in the command is told at once.
  if (options.agentLog !== undefined) readLogEnd(options.agentLog);
  const server = options.server ?? context.env['SPIRE_SERVER_ADDRESS'] ?? '';
  if (server !== '') (await import('../../spire-server/address.ts')).resolveServer(options.server, context.env);
  const endpoint = await endpointOf(options);
  const [asked, agentHealth, serverHealth, serverPort] = await Promise.all([
    asAccount(account, () => askAgent(endpoint, options)),
    options.agentHealth === undefined ? undefined : readHealth(options.agentHealth, timeout),
    options.serverHealth === undefined ? undefined : readHealth(options.serverHealth, timeout),
    options.serverAddress === undefined ? undefined : readServerPort(options.serverAddress, timeout),
  ]);
  const { caller } = asked;
  // Now, because it tells what the agent saw of the question.
  const agentLog = logOf(options);
  const registration =
    server === ''
      ? undefined
      : await readRegistration(
          {
            server: options.server,
            socket: options.endpoint?.address,
            timeout,
            wanted: expected.id?.toString(),
            seen: {
              selectors: agentLog?.selectors ?? caller.selectors,
              complete: agentLog?.selectors !== undefined,
              conditional: [caller.pathSelector],
            },
          },
          context,
        );
  return {
    now: Date.now(),
    timeout,
    expected,
    endpoint,
    endpointFrom: options.endpoint?.from ?? 'SPIFFE_ENDPOINT_SOCKET',
    ...asked,
    agentHealth,
    serverHealth,
    serverPort,
    agentLog,
    registration,
    serverName: server === '' ? undefined : server,
  };
}

async function endpointOf({ endpoint }: LiveOptions): Promise<Endpoint | EphemosError> {
  const { resolveEndpoint } = await import('ephemos/workload-api');
  try {
    return resolveEndpoint(endpoint?.address);
  } catch (error) {
    if (isEphemosError(error)) return error;
    throw error;
  }
}

type Asked = Pick<LiveEvidence, 'caller' | 'socket' | 'workload' | 'bundleMissing'>;

async function askAgent(endpoint: Endpoint | EphemosError, { account, timeout }: LiveOptions): Promise<Asked> {
  const caller = readCaller(account);
  if (isEphemosError(endpoint)) return { caller, socket: undefined, workload: undefined, bundleMissing: false };
  const socket = endpoint.scheme === 'unix' ? await readSocket(endpoint.path, timeout) : undefined;
  if (socket !== undefined && socket.connection !== 'open') return { caller, socket, workload: undefined, bundleMissing: false };
  const { createWorkloadApiClient, formatEndpoint } = await import('ephemos/workload-api');
  await using client = createWorkloadApiClient({ endpoint: formatEndpoint(endpoint) });
  const workload = await answer(timeout, (signal) => client.fetchX509Context({ signal }));
  if (workload.error?.code !== 'ERR_WORKLOAD_API_RESPONSE_INVALID') return { caller, socket, workload, bundleMissing: false };
  const { isBundleMissing } = await import('./refused-update.ts');
  return { caller, socket, workload, bundleMissing: await isBundleMissing(endpoint, timeout) };
}

async function answer<T>(timeout: number, ask: (signal: AbortSignal) => Promise<T>): Promise<Answer<T>> {
  const signal = AbortSignal.timeout(timeout);
  try {
    return { value: await ask(signal) };
  } catch (error) {
    if (!isEphemosError(error)) throw error;
    return { error, silent: signal.aborted };
  }
}

function logOf({ agentLog: file }: LiveOptions): AgentLog | undefined {
  return file === undefined ? undefined : readAgentLog(file, readLogEnd(file), process.pid);
}
