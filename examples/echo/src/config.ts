// The configuration of both programs: the file at EPHEMOS_CONFIG_PATH in, checked values out.
import { isIP } from 'node:net';
import { EphemosError } from 'ephemos/errors';
import { SpiffeId } from 'ephemos/spiffe';
import { openConfigFile, type Section } from './config-file.ts';

const defaultFile = '/etc/ephemos/config.yaml';

/** A host and a port to listen on. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What the programs run on. */
export interface EchoConfig {
  readonly file: string;
  /** Who this process is: `spiffe://<service.domain>/<service.name>`. Of several SVIDs it uses this one, and no other. */
  readonly id: SpiffeId;
  /** Whom it talks to. Never empty. */
  readonly peers: readonly SpiffeId[];
  /** Where the Workload API is, when SPIFFE_ENDPOINT_SOCKET does not say. */
  readonly endpoint: string | undefined;
  readonly listen: Address;
  /** Plain HTTP for `echo-server health`; loopback only. */
  readonly health: Address;
}

/**
 * Reads the configuration. `peersKey` is the list that a program goes by: a server has authorized clients, a client trusted servers.
 * @throws {ConfigError}
 */
export function readConfig(peersKey: 'authorized_clients' | 'trusted_servers'): EchoConfig {
  const file = process.env['EPHEMOS_CONFIG_PATH'] || defaultFile;
  const root = openConfigFile(file, ['service', 'agent', 'listen', 'health']);
  const service = root.section('service', ['name', 'domain', 'authorized_clients', 'trusted_servers']);
  const trustDomain = readId(service, 'domain', `spiffe://${service.text('domain', 'example.org')}`);
  if (trustDomain.path !== '') throw service.mistake('domain', 'is more than a trust domain', 'write it as in domain: example.org');
  return {
    file,
    id: readId(service, 'name', `${trustDomain}/${service.text('name', 'echo-server')}`),
    peers: readPeers(service, peersKey, trustDomain),
    endpoint: readSocketPath(root.section('agent', ['socketPath'])),
    listen: readAddress(root, 'listen', '0.0.0.0:8080'),
    health: readLoopback(root.section('health', ['address']), 'address', '127.0.0.1:8082'),
  };
}

function readId(section: Section, key: string, text: string): SpiffeId {
  try {
    return SpiffeId.parse(text);
  } catch (error) {
    if (!(error instanceof EphemosError)) throw error;
    throw section.mistake(
      key,
      `makes no SPIFFE ID of ${JSON.stringify(text)}: ${error.message}`,
      error.hint ?? 'write it as in its registration entry',
    );
  }
}

function readPeers(service: Section, key: string, trustDomain: SpiffeId): readonly SpiffeId[] {
  const example = `write the SPIFFE IDs, as in ${key}: [${trustDomain}/${key === 'trusted_servers' ? 'echo-server' : 'echo-client'}]`;
  const list = service.value(key);
  if (list === undefined) throw service.mistake(key, 'is missing, and nobody is trusted by default', example);
  if (!Array.isArray(list)) throw service.mistake(key, 'must be a list', example);
  if (list.length === 0) throw service.mistake(key, 'is empty, so nobody could ever get in', example);
  return list.map((entry: unknown, index) => {
    const place = `${key}[${index}]`;
    if (typeof entry !== 'string') throw service.mistake(place, 'must be text', example);
    const id = readId(service, place, entry);
    if (id.path === '')
      throw service.mistake(place, `(${entry}) names a whole trust domain`, `name one workload, as in ${entry}/echo-client`);
    return id;
  });
}

// An address as SPIFFE_ENDPOINT_SOCKET takes it, or the plain path that agents are configured with.
function readSocketPath(agent: Section): string | undefined {
  if (agent.value('socketPath') === undefined) return undefined;
  const text = agent.text('socketPath', '/run/spire/sockets/agent.sock');
  return text.startsWith('/') ? `unix://${encodeURI(text)}` : text;
}

function readAddress(section: Section, key: string, fallback: string): Address {
  const text = section.value(key) === undefined ? fallback : section.text(key, fallback);
  const [, ipv6, name, digits] = /^(?:\[([\dA-Fa-f:.]+)\]|([\w.-]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = ipv6 ?? name;
  const port = Number(digits);
  if (host !== undefined && port <= 65_535 && (ipv6 === undefined || isIP(ipv6) === 6)) return { host, port };
  throw section.mistake(key, `(${JSON.stringify(text)}) is no host and port`, `write it as in ${key}: ${fallback}`);
}

function readLoopback(section: Section, key: string, fallback: string): Address {
  const address = readAddress(section, key, fallback);
  const { host } = address;
  if (host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))) return address;
  throw section.mistake(key, `(${host}) is no loopback address, and health has no TLS`, `write it as in ${key}: ${fallback}`);
}
