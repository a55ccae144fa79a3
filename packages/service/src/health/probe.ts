// What a container's HEALTHCHECK runs: an address in, whether the process there is healthy and what fails out. Always in time.
import { Buffer } from 'node:buffer';
import { get, type IncomingMessage } from 'node:http';
import type { Address } from '../config/address.ts';
import { type HealthCheck, oneLine, type ProbeName, type ProbeResult } from './check.ts';
import { dialAddress } from './loopback.ts';

/** How long a probe may take by default, in milliseconds; a HEALTHCHECK is mostly given 5 s. */
export const PROBE_TIMEOUT_MS = 3_000;
/** Most of an answer that is read, in bytes. */
export const MAX_ANSWER_BYTES: number = 64 * 1024;

/** What {@link probe} asks. */
export interface ProbeOptions {
  /** Where the probes are answered. Every address of the machine (no host, 0.0.0.0, ::) means loopback. */
  readonly address: Address;
  /** Default `ready`. */
  readonly check?: ProbeName | undefined;
  /** `grpc` asks grpc.health.v1.Health, which names no checks. Default `http`. */
  readonly protocol?: 'http' | 'grpc' | undefined;
  /** The path to get instead of the one of `check`. */
  readonly path?: string | undefined;
  /** Milliseconds; default 3,000. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const paths: Readonly<Record<ProbeName, string>> = { live: '/livez', ready: '/readyz', startup: '/startupz' };
const services: Readonly<Record<ProbeName, string>> = { live: 'liveness', ready: '', startup: 'startup' };

/** Asks a process how it does. Never rejects: what goes wrong is a reason. */
export async function probe(options: ProbeOptions): Promise<ProbeResult> {
  const { check = 'ready', protocol = 'http', timeout = PROBE_TIMEOUT_MS, path = paths[check] } = options;
  const { host, port } = dialAddress(options.address);
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(new Error(`no answer within ${timeout / 1_000} s`)), timeout);
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal]);
  try {
    // Only here: protobuf is not loaded for the others.
    if (protocol === 'grpc') return await (await import('./probe-grpc.ts')).probeGrpc({ host, port, service: services[check], signal });
    return readAnswer(await getText({ host, port, path, signal }));
  } catch (error) {
    const cause: unknown = signal.aborted ? signal.reason : error;
    return result(false, oneLine(messageOf(cause)));
  } finally {
    clearTimeout(timer);
  }
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

function getText(target: {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly signal: AbortSignal;
}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get({ ...target, agent: false, headers: { accept: 'application/json' } }, (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('error', reject);
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > MAX_ANSWER_BYTES) response.destroy(new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`));
      });
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response;
        resolve({ status, type: headers['content-type'] ?? '', text: Buffer.concat(chunks).toString('utf8') });
      });
      // Cut off without an error.
      response.on('close', () => reject(new Error('the answer was cut off')));
    });
    request.on('error', reject);
  });
}

function readAnswer({ status, type, text }: Answer): ProbeResult {
  const checks = type.startsWith('application/json') ? parseChecks(text) : [];
  const ok = status === 200;
  if (ok) return { ok, reachable: true, checks, reason: undefined };
  const failing = checks.filter((check) => !check.ok).map(({ name, reason = 'failed' }) => `${name} (${reason})`);
  const said = failing.length > 0 ? failing.join(', ') : `HTTP ${status}${text === '' ? '' : `: ${text.split('\n', 1).join('')}`}`;
  return { ok, reachable: true, checks, reason: failing.length > 0 ? said : oneLine(said) };
}

// Another process may answer there, so what does not look like ours is left out.
function parseChecks(text: string): readonly HealthCheck[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return [];
  }
  if (typeof document !== 'object' || document === null || !('checks' in document) || !Array.isArray(document.checks)) return [];
  return document.checks.flatMap((each: unknown): HealthCheck[] => {
    if (typeof each !== 'object' || each === null || !('name' in each && 'ok' in each)) return [];
    const { name, ok } = each;
    if (typeof name !== 'string' || typeof ok !== 'boolean') return [];
    const reason = 'reason' in each && typeof each.reason === 'string' ? oneLine(each.reason) : undefined;
    return [reason === undefined ? { name: oneLine(name), ok } : { name: oneLine(name), ok, reason }];
  });
}

function result(ok: boolean, reason: string): ProbeResult {
  return { ok, reachable: false, checks: [], reason };
}

// Node tries the addresses of a name one after the other, and gives an error without a message when none answers.
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) {
    const causes: readonly unknown[] = error.errors;
    return causes.map(messageOf).join(', ');
  }
  return error instanceof Error ? error.message : String(error);
}
