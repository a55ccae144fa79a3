// Checks for production: a configuration and an environment in, findings out. Pure: it looks at nothing else.
import type { SpiffeId } from 'ephemos/spiffe';
import { parseEndpoint } from 'ephemos/workload-api';
import type { Config } from './config.ts';
import type { Environment } from './environment.ts';
import { isMapping } from './overlay.ts';

/** Something that is allowed and does not belong in production. */
export interface ProductionFinding {
  /** Stable, such as `trust-domain.reserved`. */
  readonly id: string;
  readonly message: string;
  /** What to do, one sentence. */
  readonly tip: string;
}

/** What {@link productionFindings} cannot know by itself. */
export interface ProductionOptions {
  /** True when something is mounted at this absolute path or above it (but not at the root). Default: only what the SPIFFE CSI driver mounts. */
  readonly isMounted?: ((path: string) => boolean) | undefined;
}

/**
 * What speaks against running this configuration in production; nothing when it is fit.
 * Names are compared whole, label by label: `contest.acme.com` holds no `test`.
 */
export function productionFindings(config: Config, env: Environment, options: ProductionOptions = {}): readonly ProductionFinding[] {
  return [
    ...trustDomains(config),
    ...serviceName(config),
    ...socket(config, options.isMounted ?? isCsiMount),
    ...switches(env),
    ...logLevel(config),
    ...wildcards(config),
    ...permissions(config),
  ];
}

// RFC 2606, RFC 6761 and RFC 6762.
const RESERVED_SUFFIXES: ReadonlySet<string> = new Set(['example', 'test', 'invalid', 'localhost', 'local']);
const RESERVED_NAMES = ['example.com', 'example.net', 'example.org'] as const;
const DEMO_LABELS: ReadonlySet<string> = new Set(['demo', 'example', 'test']);

function* trustDomains({ service }: Config): Generator<ProductionFinding> {
  const ids: readonly SpiffeId[] = [...(service.authorizedClients ?? []), ...(service.trustedServers ?? [])];
  const names = new Set([service.domain.name, ...ids.map((id) => id.trustDomain.name)]);
  for (const name of names) {
    const reason = notForProduction(name);
    if (reason === undefined) continue;
    const tip =
      name === service.domain.name ? 'set service.domain to the trust domain of your SPIRE server' : 'name workloads of production alone';
    yield { id: 'trust-domain.reserved', message: `the trust domain ${name} ${reason}`, tip };
  }
}

/** Why no trust domain of production has this name, as the end of a sentence; `undefined` for one that may be. */
export function notForProduction(name: string): string | undefined {
  const labels = name.split('.');
  if (RESERVED_NAMES.some((each) => name === each || name.endsWith(`.${each}`))) return 'belongs to documentation (RFC 2606)';
  if (RESERVED_SUFFIXES.has(labels.at(-1) ?? '')) return `ends in .${labels.at(-1)}, which no production name does (RFC 2606, RFC 6762)`;
  const label = labels.find((each) => DEMO_LABELS.has(each));
  return label === undefined ? undefined : `has the label ${label}`;
}

function* serviceName({ service: { name } }: Config): Generator<ProductionFinding> {
  const label = name
    .toLowerCase()
    .split(/[._-]/)
    .find((each) => each === 'example' || each === 'demo');
  if (label === undefined) return;
  yield {
    id: 'service-name.demo',
    message: `the service name ${name} holds the word ${label}`,
    tip: 'give the service the name it has in production',
  };
}

function* socket({ socket: given }: Config, isMounted: (path: string) => boolean): Generator<ProductionFinding> {
  if (given === undefined) return;
  const endpoint = parseEndpoint(given.endpoint);
  if (endpoint.scheme === 'tcp') {
    yield {
      id: 'socket.tcp',
      message: 'the Workload API is reached over TCP, where an agent cannot tell who is asking',
      tip: 'use its unix socket, as in /run/spire/sockets/agent.sock',
    };
    return;
  }
  const path = endpoint.path.replace(/\/+/g, '/');
  const outside = path.split('/').includes('..') || !(isBelow(path, '/run') || isBelow(path, '/var/run') || isMounted(path));
  if (outside || isBelow(path, '/tmp') || isBelow(path, '/var/tmp')) {
    yield {
      id: 'socket.directory',
      message: `the socket ${path} is in a directory where others may put one of their own`,
      tip: 'mount the directory of the agent below /run, or use the SPIFFE CSI driver',
    };
  }
}

function isBelow(path: string, directory: string): boolean {
  return path.startsWith(`${directory}/`);
}

function isCsiMount(path: string): boolean {
  return isBelow(path, '/spiffe-workload-api');
}

function* switches(env: Environment): Generator<ProductionFinding> {
  if (env['EPHEMOS_INSECURE_SKIP_VERIFY'] !== undefined) {
    yield { id: 'verification.skipped', message: 'EPHEMOS_INSECURE_SKIP_VERIFY is set', tip: 'remove it: peers are always verified' };
  }
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    const message = 'NODE_TLS_REJECT_UNAUTHORIZED=0 turns verification off for every connection that is not ours';
    yield { id: 'verification.skipped', message, tip: 'remove it' };
  }
  for (const variable of ['DEBUG', 'EPHEMOS_DEBUG', 'EPHEMOS_DEBUG_ENABLED', 'NODE_DEBUG']) {
    const value = env[variable] ?? '';
    if (value === '' || value === '0' || value === 'false') continue;
    yield {
      id: 'debug.enabled',
      message: `${variable} is set, and debugging output may hold what callers send`,
      tip: `remove ${variable}`,
    };
  }
  const flag = (env['NODE_OPTIONS'] ?? '').split(/[\s=]+/).find((each) => /^--(inspect(-brk|-wait|-port)?|tls-keylog)$/.test(each));
  if (flag !== undefined) {
    yield {
      id: 'debug.enabled',
      message: `NODE_OPTIONS has ${flag}, which opens the memory or the connections of the process`,
      tip: `remove ${flag}`,
    };
  }
}

function* logLevel({ logs: { level } }: Config): Generator<ProductionFinding> {
  if (level !== 'debug' && level !== 'trace') return;
  yield { id: 'log-level.debug', message: `the log level is ${level}`, tip: 'set logs.level to info' };
}

// The rules are plain values here; what is no rule at all is for the check of the policy to say.
function* wildcards({ policy }: Config): Generator<ProductionFinding> {
  for (const [index, rule] of (policy?.rules ?? []).entries()) {
    if (!isMapping(rule)) continue;
    const name = typeof rule['name'] === 'string' ? JSON.stringify(rule['name']) : `${index + 1}`;
    const ids = [rule['id'], rule['id_prefix']].flat().filter((each) => typeof each === 'string');
    if (ids.some((each) => each.includes('*'))) {
      yield { id: 'policy.wildcard', message: `rule ${name} has a wild card`, tip: 'name SPIFFE IDs, or a path that ends in "/"' };
    }
    const wholeDomain = rule['trust_domain'] !== undefined || ids.some((each) => /^spiffe:\/\/[^/]+\/$/.test(each));
    if (wholeDomain && rule['http'] === undefined && rule['grpc'] === undefined) {
      const message = `rule ${name} admits every workload of a trust domain to everything`;
      yield { id: 'policy.wildcard', message, tip: 'name SPIFFE IDs or a path, or what they may do with http or grpc' };
    }
  }
}

function* permissions({ files }: Config): Generator<ProductionFinding> {
  for (const { path, writable, directoryWritable } of files) {
    if (writable) yield { id: 'file.writable', message: `${path} may be written by its group or by everybody`, tip: `chmod go-w ${path}` };
    if (directoryWritable) {
      const message = `the directory of ${path} may be written by its group or by everybody, who can so replace the file`;
      yield { id: 'file.replaceable', message, tip: 'chmod go-w the directory, or mount it read-only' };
    }
  }
}
