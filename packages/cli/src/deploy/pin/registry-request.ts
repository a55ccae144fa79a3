// One request to a registry in; its answer out: over HTTPS alone, bounded in time and size, and never with credentials to another host.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { CommandError } from '../../command-error.ts';
import { exitCodes, systemCodeOf } from '../../output/exit-code.ts';

/** A request. */
export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD';
  readonly url: URL;
  readonly accept?: string | undefined;
  /** The header. */
  readonly authorization?: string | undefined;
  readonly maxBytes: number;
}

/** How requests are made. */
export interface RequestOptions {
  /** Milliseconds for one request, from its start to the last byte. */
  readonly timeout: number;
  /** PEM of authorities instead of those of the system. */
  readonly ca?: string | undefined;
}

/** An answer, with its whole body. */
export interface RegistryAnswer {
  /** Who gave it: after redirects, another one than was asked. */
  readonly host: string;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const MAX_REDIRECTS = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const CERTIFICATE = /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_CERT_)/;

/**
 * Sends it, and follows redirects.
 * @throws {CommandError} ERR_REGISTRY_UNREACHABLE, or ERR_REGISTRY_FAILED for an answer that is too long or leads elsewhere
 */
export async function askRegistry(asked: RegistryRequest, options: RequestOptions): Promise<RegistryAnswer> {
  let url = asked.url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const answer = await send({ ...asked, url }, options);
    const { location } = answer.headers;
    if (!REDIRECTS.has(answer.status) || location === undefined) return answer;
    const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
    if (next?.protocol !== 'https:') throw failed(`${url.host} leads to ${JSON.stringify(location)}, which is not over HTTPS`);
    if (next.host !== url.host && asked.authorization !== undefined)
      throw failed(`${url.host} leads to ${next.host}, which is not given the credentials for ${url.host}`);
    url = next;
  }
  throw failed(`${asked.url.host} leads on and on`);
}

async function send(
  { method, url, accept, authorization, maxBytes }: RegistryRequest,
  { timeout, ca }: RequestOptions,
): Promise<RegistryAnswer> {
  if (url.protocol !== 'https:') throw failed(`${url.host} is not asked without TLS`);
  const headers: Record<string, string> = { 'user-agent': 'ephemos' };
  if (accept !== undefined) headers['accept'] = accept;
  if (authorization !== undefined) headers['authorization'] = authorization;
  const signal = AbortSignal.timeout(timeout);
  try {
    return await new Promise<RegistryAnswer>((resolve, reject) => {
      const sent = request(url, ca === undefined ? { method, headers, signal } : { method, headers, signal, ca });
      sent
        .on('response', (incoming) => void collect(incoming, url.host, maxBytes).then(resolve, reject))
        .on('error', reject)
        .end();
    });
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw unreachable(url.host, signal.aborted ? `it did not answer within ${timeout / 1000} s` : reasonOf(error), error);
  }
}

async function collect(incoming: IncomingMessage, host: string, maxBytes: number): Promise<RegistryAnswer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming) {
    if (!Buffer.isBuffer(chunk)) continue;
    length += chunk.length;
    // Leaving the loop ends the connection.
    if (length > maxBytes) throw failed(`an answer of ${host} is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return { host, status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) };
}

function reasonOf(error: unknown): string {
  return systemCodeOf(error) ?? (error instanceof Error ? error.message : String(error));
}

function unreachable(host: string, reason: string, cause: unknown): CommandError {
  const hint = CERTIFICATE.test(reason)
    ? 'if its authority is one of your own, name its certificate in NODE_EXTRA_CA_CERTS'
    : 'nothing was written; try again where the registry can be reached';
  return new CommandError('ERR_REGISTRY_UNREACHABLE', `${host} cannot be asked: ${reason}`, { exitCode: exitCodes.failed, hint, cause });
}

/** A registry that answers what it should not. */
export function failed(message: string, hint = 'nothing was written'): CommandError {
  return new CommandError('ERR_REGISTRY_FAILED', message, { exitCode: exitCodes.failed, hint });
}
