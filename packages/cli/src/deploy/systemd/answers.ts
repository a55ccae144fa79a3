// Answers that were given in; those that everything on a host follows from out, checked.
import { EphemosError } from 'ephemos/errors';
import { SpiffeId } from 'ephemos/spiffe';
import { refuseUnknown } from '../project/given.ts';
import { type Names, parseNames } from '../project/names.ts';
import type { GivenAnswers } from '../project/target.ts';
import { parseNetworks } from './networks.ts';
import { ports } from './places.ts';

/** What is asked for hosts. */
export interface HostAnswers extends Names {
  /** Where callers connect. */
  readonly port: number;
  /** Who may call, as SPIFFE IDs. */
  readonly clients: readonly string[];
  /** The networks that callers come from. */
  readonly peers: readonly string[];
  /** The networks that the agents of other machines come from. */
  readonly agents: readonly string[];
  /** The networks that Prometheus comes from; none: metrics are on loopback. */
  readonly monitoring: readonly string[];
  /** How agents reach SPIRE's server. */
  readonly host: string;
  /** The name of this machine in its certificate, and so in the ID of its agent. */
  readonly machine: string;
}

/** The names of all answers. */
export const answerNames = ['service', 'domain', 'port', 'clients', 'peers', 'agents', 'monitoring', 'host', 'machine'] as const;

const DEFAULT_PORT = '8443';
const DEFAULT_NETWORKS = '10.0.0.0/8';
const DEFAULT_MACHINE = 'machine-1';
/** Longest name of a user (sysusers.d(5)). */
const MAX_USER_LENGTH = 31;
const HOST = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;
const TAKEN_PORTS: ReadonlySet<number> = new Set(Object.values(ports));
// The name of the service is that of its unit and of its user: one that Debian has already would be replaced, or be that user.
const TAKEN_NAMES: ReadonlySet<string> = new Set(
  `root daemon bin sys sync games man lp mail news uucp proxy backup list irc gnats nobody sshd ssh dbus cron rsyslog nftables
  docker containerd getty console-getty systemd-journald systemd-networkd systemd-resolved systemd-timesyncd messagebus postgres postgresql redis
  nginx apache2 haproxy prometheus grafana node spire spire-server spire-agent`.split(/\s+/),
);

/**
 * Checks the answers.
 * @throws {EphemosError} ERR_CONFIG_INVALID for one that is wrong or not asked for
 */
export function parseAnswers(given: GivenAnswers): HostAnswers {
  refuseUnknown(given, answerNames);
  const names = parseNames(given['service'], given['domain']);
  refuseTaken(names.service);
  return Object.freeze({
    ...names,
    port: parsePort(given['port'] ?? DEFAULT_PORT),
    clients: parseClients(given['clients'] ?? `spiffe://${names.domain}/${names.service}-client`),
    peers: parseNetworks(given['peers'] ?? DEFAULT_NETWORKS, 'peers'),
    agents: parseNetworks(given['agents'] ?? DEFAULT_NETWORKS, 'agents'),
    monitoring: (given['monitoring'] ?? '') === '' ? [] : parseNetworks(given['monitoring'] ?? '', 'monitoring'),
    host: parseHost(given['host'] ?? `spire-server.${names.domain}`, 'host'),
    machine: parseHost(given['machine'] ?? DEFAULT_MACHINE, 'machine'),
  });
}

/** The answers as the record keeps them. */
export function recordedAnswers(answers: HostAnswers): Readonly<Record<string, string>> {
  return Object.fromEntries(answerNames.map((name) => [name, String(answers[name])]));
}

function refuseTaken(service: string): void {
  if (service.length > MAX_USER_LENGTH)
    throw invalid(`the name ${service} is too long for a user`, `use at most ${MAX_USER_LENGTH} characters`);
  if (TAKEN_NAMES.has(service) || service.startsWith('systemd-'))
    throw invalid(
      `${service} is the name of a user or of a unit already`,
      'the service gets a user and a unit of its name: give it one of its own',
    );
}

function parsePort(text: string): number {
  const port = Number(text);
  // Below, only root may listen, and the service is nobody.
  if (!/^\d{1,5}$/.test(text) || port < 1024 || port > 65_535)
    throw invalid(`port: ${JSON.stringify(text)} is no port from 1024 to 65535`, 'write 8443');
  if (TAKEN_PORTS.has(port))
    throw invalid(`port: ${port} is that of something else here`, `these are taken: ${[...TAKEN_PORTS].join(', ')}`);
  return port;
}

function parseClients(text: string): readonly string[] {
  return text.split(',').map((each) => {
    const id = SpiffeId.parse(each.trim());
    if (id.path !== '') return id.toString();
    throw invalid(
      `clients: ${id.toString()} is a trust domain, and not a workload`,
      'name whole SPIFFE IDs; for anything else write a policy',
    );
  });
}

function parseHost(text: string, name: string): string {
  if (text.length <= 253 && HOST.test(text)) return text;
  throw invalid(`${name}: ${JSON.stringify(text)} is no name of a host`, 'use lower-case letters, digits, "-" and "."');
}

function invalid(message: string, hint: string): EphemosError {
  return new EphemosError('ERR_CONFIG_INVALID', message, { hint });
}
