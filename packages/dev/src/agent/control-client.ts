// A typed client of the control API: what `ephemos dev exec` and its siblings speak to a running agent with.
import { Buffer } from 'node:buffer';
import { type IncomingMessage, request } from 'node:http';
import { join, resolve } from 'node:path';
import { EphemosError, type ErrorCode, errorCodes } from 'ephemos/errors';
import { SpiffeId, TrustDomain } from 'ephemos/spiffe';
import type { EntryOptions } from '../registry/entry.ts';
import type { Fault } from '../registry/fault.ts';
import { controlSocketName, isObject, type JsonObject, maxResponseBytes, numberOf, readJson, stringOf } from './control-request.ts';
import type { DevIdentity } from './dev-agent.ts';
import { checkSocketDirectory } from './socket-directory.ts';

/** What an agent says about itself. */
export interface DevAgentDescription {
  readonly trustDomain: TrustDomain;
  readonly directory: string;
  readonly sharedEndpoint: string | undefined;
  readonly sharedUnavailable: string | undefined;
  readonly pid: number;
}

/** A running agent, from another process. Every call is one request. */
export interface DevAgentControl extends AsyncDisposable {
  readonly agent: DevAgentDescription;
  /** Registers an identity and opens its socket; resolves with its address, as SPIFFE_ENDPOINT_SOCKET takes it. */
  register(entry: EntryOptions): Promise<{ readonly identity: DevIdentity; readonly endpoint: string }>;
  /** The socket of an ID; registers it when it is new. */
  endpointFor(id: string | SpiffeId): Promise<string>;
  identities(): Promise<readonly DevIdentity[]>;
  /** True when there was one. */
  withdraw(id: string | SpiffeId): Promise<boolean>;
  rotate(id?: string | SpiffeId): Promise<void>;
  rotateAuthority(options: { readonly overlap: boolean }): Promise<void>;
  retireAuthorities(): Promise<void>;
  restart(options?: { readonly downSeconds?: number | undefined }): Promise<void>;
  /** Sets the standing fault, or clears it. */
  setFault(fault: Fault | undefined): Promise<void>;
  expire(id: string | SpiffeId): Promise<void>;
  dropStreams(how?: 'end' | 'reset'): Promise<void>;
  /** Ends the calls that are still open. */
  close(): Promise<void>;
}

/**
 * Finds the agent that runs in a directory.
 * @throws {EphemosError} ERR_OPTION_INVALID when others can enter the directory, ERR_WORKLOAD_API_UNAVAILABLE when no agent runs there
 */
export async function openDevAgentControl(directory: string): Promise<DevAgentControl> {
  const path = resolve(directory);
  await checkSocketDirectory(path);
  const socketPath = join(path, controlSocketName);
  const closing = new AbortController();
  const call = (method: string, url: string, body: unknown = {}) => callAgent({ socketPath, method, url, body, signal: closing.signal });

  async function close(): Promise<void> {
    closing.abort();
  }

  return Object.freeze<DevAgentControl>({
    agent: parseDescription(await call('GET', '/agent')),
    async register(entry) {
      const answer = await call('POST', '/identities', { ...entry, id: String(entry.id) });
      return { identity: parseIdentity(answer), endpoint: stringOf(parseAnswer(answer), 'endpoint') };
    },
    endpointFor: async (id) => stringOf(parseAnswer(await call('POST', '/endpoint', { id: String(id) })), 'endpoint'),
    async identities() {
      const answer = await call('GET', '/identities');
      if (!Array.isArray(answer)) throw unexpected();
      return answer.map(parseIdentity);
    },
    withdraw: async (id) => parseAnswer(await call('POST', '/withdraw', { id: String(id) }))['withdrawn'] === true,
    async rotate(id) {
      await call('POST', '/rotate', id === undefined ? {} : { id: String(id) });
    },
    async rotateAuthority({ overlap }) {
      await call('POST', '/rotate-authority', { overlap });
    },
    async retireAuthorities() {
      await call('POST', '/retire-authorities');
    },
    async restart({ downSeconds } = {}) {
      await call('POST', '/restart', { downSeconds });
    },
    async setFault(fault) {
      await (fault ? call('PUT', '/fault', fault) : call('DELETE', '/fault'));
    },
    async expire(id) {
      await call('POST', '/expire', { id: String(id) });
    },
    async dropStreams(how = 'end') {
      await call('POST', '/drop-streams', { how });
    },
    close,
    [Symbol.asyncDispose]: close,
  });
}

interface ControlCall {
  readonly socketPath: string;
  readonly method: string;
  readonly url: string;
  readonly body: unknown;
  readonly signal: AbortSignal;
}

async function callAgent({ socketPath, method, url, body, signal }: ControlCall): Promise<unknown> {
  const content = method === 'GET' ? '' : JSON.stringify(body);
  // Node.js sends a DELETE with neither length nor chunks unless told, and its body would be taken for the next request.
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(content) };
  const sent = request({ socketPath, method, path: url, signal, agent: false, headers });
  sent.end(content);
  const response = await responseTo(sent, socketPath);
  const answer = await readJson(response, maxResponseBytes);
  if (response.statusCode !== 200) throw parseError(answer);
  return answer;
}

async function responseTo(sent: ReturnType<typeof request>, socketPath: string): Promise<IncomingMessage> {
  try {
    return await new Promise<IncomingMessage>((resolve, reject) => sent.once('response', resolve).once('error', reject));
  } catch (cause) {
    throw new EphemosError('ERR_WORKLOAD_API_UNAVAILABLE', `no agent answers on ${socketPath}`, {
      hint: 'start one with "ephemos dev"',
      cause,
    });
  }
}

function parseDescription(answer: unknown): DevAgentDescription {
  const object = parseAnswer(answer);
  return Object.freeze({
    trustDomain: TrustDomain.parse(stringOf(object, 'trustDomain')),
    directory: stringOf(object, 'directory'),
    sharedEndpoint: optionalStringOf(object, 'sharedEndpoint'),
    sharedUnavailable: optionalStringOf(object, 'sharedUnavailable'),
    pid: numberOf(object, 'pid') ?? 0,
  });
}

function parseIdentity(answer: unknown): DevIdentity {
  const object = parseAnswer(answer);
  return Object.freeze({
    id: SpiffeId.parse(stringOf(object, 'id')),
    hint: stringOf(object, 'hint'),
    uid: numberOf(object, 'uid'),
    gid: numberOf(object, 'gid'),
    pid: numberOf(object, 'pid'),
    expiresAt: new Date(stringOf(object, 'expiresAt')),
  });
}

function parseError(answer: unknown): EphemosError {
  const { error } = parseAnswer(answer);
  if (!isObject(error)) throw unexpected();
  const { code } = error;
  return new EphemosError(isErrorCode(code) ? code : 'ERR_WORKLOAD_API_UNAVAILABLE', stringOf(error, 'message'), {
    hint: optionalStringOf(error, 'hint'),
  });
}

function parseAnswer(answer: unknown): JsonObject {
  if (!isObject(answer)) throw unexpected();
  return answer;
}

function optionalStringOf(object: JsonObject, key: string): string | undefined {
  return object[key] === undefined ? undefined : stringOf(object, key);
}

function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorCodes, value);
}

function unexpected(): EphemosError {
  return new EphemosError('ERR_WORKLOAD_API_UNAVAILABLE', 'what answers on the control socket is not a development agent');
}
