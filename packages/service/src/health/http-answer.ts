// The probes over HTTP: a method, a path and who asks in; status, headers and text out. Like those of the Kubernetes API server.
import { Buffer } from 'node:buffer';
import type { HealthCheck, HealthStatus, ProbeName } from './check.ts';
import type { Health } from './health.ts';

/** The paths of the probes; the last two are those of the agents and servers of SPIRE. */
export const probePaths: Readonly<Record<string, ProbeName>> = Object.freeze({
  '/livez': 'live',
  '/readyz': 'ready',
  '/startupz': 'startup',
  '/live': 'live',
  '/ready': 'ready',
});

/** What is asked. */
export interface HttpProbe {
  readonly method: string;
  /** The target as it was sent. */
  readonly url: string;
  readonly accept: string | undefined;
  /** True for a caller on this machine: it is told what a check of the user says. */
  readonly local: boolean;
}

/** What is answered. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty for HEAD. */
  readonly body: string;
}

/** Answers a probe: 200 or 503, 404 for another path, 405 for another method. */
export function answerHttp(health: Health, { method, url, accept = '', local }: HttpProbe): HttpAnswer {
  const [path = '', query = ''] = url.split('?', 2);
  const name = Object.hasOwn(probePaths, path) ? probePaths[path] : undefined;
  if (name === undefined) return answer(method, 404, TEXT, 'there are /livez, /readyz and /startupz here\n');
  if (method !== 'GET' && method !== 'HEAD') return answer(method, 405, { ...TEXT, allow: 'GET, HEAD' }, 'GET or HEAD\n');
  const status = health.probe(name);
  const code = status.ok ? 200 : 503;
  if (accept.includes('application/json')) return answer(method, code, JSON_TYPE, `${JSON.stringify(toJson(status, local))}\n`);
  return answer(method, code, TEXT, toText(path, status, { verbose: new URLSearchParams(query).has('verbose'), local }));
}

const TEXT = { 'content-type': 'text/plain; charset=utf-8' } as const;
const JSON_TYPE = { 'content-type': 'application/json' } as const;

function answer(method: string, status: number, headers: Readonly<Record<string, string>>, body: string): HttpAnswer {
  return {
    status,
    headers: {
      ...headers,
      'content-length': String(Buffer.byteLength(body)),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
    body: method === 'HEAD' ? '' : body,
  };
}

function toJson({ ok, checks }: HealthStatus, local: boolean): object {
  return {
    ok,
    checks: checks.map((check) =>
      check.ok ? { name: check.name, ok: true } : { name: check.name, ok: false, reason: shown(check, local) },
    ),
  };
}

function toText(path: string, { ok, checks }: HealthStatus, options: { readonly verbose: boolean; readonly local: boolean }): string {
  if (ok && !options.verbose) return 'ok\n';
  const lines = checks
    .filter((check) => options.verbose || !check.ok)
    .map((check) => (check.ok ? `[+]${check.name} ok` : `[-]${check.name} failed: ${shown(check, options.local)}`));
  return `${[...lines, `${path.slice(1)} check ${ok ? 'passed' : 'failed'}`].join('\n')}\n`;
}

function shown({ reason = '', added }: HealthCheck, local: boolean): string {
  return added === true && !local ? 'the reason is shown on this machine alone' : reason;
}
