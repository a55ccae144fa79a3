import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '@ephemos/service/config';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseSpire, readSpire } from '../../../src/deploy/spire/read-spire.ts';
import { pathOf, valuesOf, variants } from './variants.ts';

function told(values: unknown): readonly string[] {
  try {
    parseSpire(values);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ key, message, hint }) => `${key}: ${message}${hint === undefined ? '' : `; ${hint}`}`);
  }
}

const server = { name: 'a', host: 'a.internal' };
const two = [server, { name: 'b', host: 'b.internal' }];
const postgres = { kind: 'postgres', host: 'db.internal', roots: '/etc/spire/db.pem' };
const balancer = { host: 'lb.internal', sources: ['10.0.0.1/32'] };
const agent = { workloads: ['unix'] };

it.each(variants)('%s is taken', (variant) => {
  expect(readSpire(pathOf(variant, 'spire.yaml')).domain).toBe('prod.acme.com');
});

describe('what cannot hold together is refused in one clear line', () => {
  it.each<[rule: string, changes: Record<string, unknown>, problem: string]>([
    [
      'one port for two',
      { servers: [{ ...server, health: { address: '127.0.0.1', port: 8081 } }] },
      'servers[0].health.port: 8081 is servers[0].port already, on the same host; give it a port of its own',
    ],
    [
      'the port of the agent beside a server',
      { agent: { ...agent, health: { address: '127.0.0.1', port: 9988 } } },
      'agent.health.port: 9988 is servers[0].metrics.port already, on the same host; give it a port of its own',
    ],
    [
      'two servers on one host with one port',
      {
        servers: [
          server,
          { ...server, name: 'b', data: '/b', socket: '/b.sock', health: { address: '::', port: 1 }, metrics: { address: '::', port: 2 } },
        ],
        store: postgres,
        balancer: { ...balancer, host: 'a.internal', port: 4 },
      },
      'servers[1].port: 8081 is servers[0].port already, on the same host; give it a port of its own',
    ],
    [
      'two servers on one host with one directory',
      {
        servers: [
          server,
          { ...server, name: 'b', port: 1, socket: '/b.sock', health: { address: '::', port: 2 }, metrics: { address: '::', port: 3 } },
        ],
        store: postgres,
        balancer: { ...balancer, host: 'a.internal', port: 4 },
      },
      'servers[1].data: servers[0] has the same data, on the same host; give each server one of its own',
    ],
    [
      'two servers of one name',
      {
        servers: [server, { ...two[1], name: 'a' }].map((each) => ({ ...each, health: { address: '0.0.0.0', port: 8082 } })),
        store: postgres,
        balancer,
      },
      'servers[1].name: servers[0] is called "a" too; give each a name',
    ],
    [
      'the balancer on the port of its server',
      { servers: [server], balancer: { ...balancer, host: 'a.internal' } },
      'balancer.port: 8081 is servers[0].port already, on the same host; give it a port of its own',
    ],
    [
      'one socket for server and agent',
      { agent: { ...agent, socket: '/run/spire/server/private/api.sock' } },
      'servers[0].socket: the agent has this socket; workloads must not reach the API of the server',
    ],
    [
      'one directory for server and agent',
      { agent: { ...agent, data: '/var/lib/spire/server' } },
      'servers[0].data: the agent has this directory; give each one of its own',
    ],
    [
      'the admin socket where workloads are',
      { agent: { ...agent, admin: '/run/spire/sockets/admin.sock' } },
      'agent.admin: this is in the directory of agent.socket, which every workload has; put it into a directory of its own',
    ],
    [
      'SVIDs that outlive their authority',
      { lives: { authority: '3h', agent: '30m' } },
      'lives.x509: 1h is more than a sixth of lives.authority (3h), so SPIRE would sign for less; shorten it, or lengthen lives.authority',
    ],
    [
      'two servers on a file',
      { servers: two.map((each) => ({ ...each, health: { address: '0.0.0.0', port: 8082 } })), balancer },
      'store.kind: 2 servers cannot share sqlite, which is a file; use postgres',
    ],
    [
      'three pods on a file',
      { servers: [{ ...server, replicas: 3 }] },
      'store.kind: 3 servers cannot share sqlite, which is a file; use postgres',
    ],
    [
      'more connections than the database takes',
      { servers: [{ ...server, replicas: 3 }], store: postgres },
      'store.connections: 3 servers with 40 each and 8 for others are 128, and store.limit is 100; lower it, or raise max_connections of the database and store.limit',
    ],
    [
      'two addresses for agents',
      { servers: two, store: postgres },
      'servers: agents know one address, and there are 2 servers; add balancer, or name one server whose host has the addresses of all',
    ],
    [
      'probes that the balancer cannot reach',
      { servers: [server], balancer: { ...balancer, port: 443 } },
      'servers[0].health.address: the balancer asks a.internal, and this answers only on 127.0.0.1; listen where the balancer can ask, such as 0.0.0.0, behind a firewall',
    ],
    [
      'a ConfigMap for hosts',
      { bundle: { kind: 'configmap', namespace: 'a', name: 'b' } },
      'bundle.kind: only the pods of a cluster have a ConfigMap; use file, or nodes.kind k8s_psat',
    ],
    [
      'a kubelet for hosts',
      { agent: { workloads: ['unix', 'k8s'] } },
      'agent.workloads[1]: only an agent in a cluster can ask a kubelet; use unix, systemd or docker, or nodes.kind k8s_psat',
    ],
  ])('%s', (_, changes, problem) => {
    expect(told(valuesOf('host', changes))).toEqual([problem]);
  });
});

describe('a value that cannot stand in a configuration is refused', () => {
  it.each<[changes: Record<string, unknown>, problem: string]>([
    [{ domain: 'Prod.acme.com' }, 'domain: a trust domain is written in lower case; write "prod.acme.com"'],
    [{ domain: undefined }, 'domain: this key is missing'],
    [{ subject: { country: ['usa'], organization: [], name: 'a' } }, 'subject.country[0]: expected two capital letters, and found "usa"'],
    [
      { subject: { country: [], organization: ['a"b'], name: 'a' } },
      'subject.organization[0]: expected a text of letters, digits, blanks and .,&()/+-, and found "a\\"b"',
    ],
    [
      { subject: { country: [], organization: [], name: `\${HOME}` } },
      `subject.name: expected a text of letters, digits, blanks and .,&()/+-, and found "\${HOME}"`,
    ],
    [{ store: { kind: 'mysql' } }, 'store.kind: expected a mapping whose kind is sqlite or postgres, and found "mysql"'],
    [{ store: { ...postgres, roots: 'db.pem' } }, 'store.roots: expected an absolute path of letters, digits and ./_-, and found "db.pem"'],
    [
      { store: { ...postgres, roots: '/a/../b' } },
      'store.roots: expected an absolute path of letters, digits and ./_-, and found "/a/../b"',
    ],
    [
      { store: { ...postgres, host: 'db sslmode=disable' } },
      'store.host: expected a host name or an IP address, and found "db sslmode=disable"',
    ],
    [{ store: { ...postgres, variable: 'hunter2' } }, 'store.variable: expected the name of an environment variable, and found "hunter2"'],
    [
      { keys: { kind: 'memory' } },
      'keys.kind: expected a mapping whose kind is disk, aws_kms, gcp_kms or azure_key_vault, and found "memory"',
    ],
    [{ keys: { kind: 'aws_kms', region: 'Frankfurt' } }, 'keys.region: expected a region such as "eu-central-1", and found "Frankfurt"'],
    [
      { keys: { kind: 'gcp_kms', ring: 'spire' } },
      'keys.ring: expected a key ring, "projects/P/locations/L/keyRings/R", and found "spire"',
    ],
    [
      { keys: { kind: 'azure_key_vault', vault: 'http://a.vault.azure.net' } },
      'keys.vault: expected the URL of a key vault, "https://NAME.vault.azure.net", and found "http://a.vault.azure.net"',
    ],
    [{ lives: { x509: '1d' } }, 'lives.x509: "1d" is not a duration; write "24h"'],
    [{ lives: { x509: '1s' } }, 'lives.x509: expected a duration from 10s to 168h, and found "1s"'],
    [
      { agent: { workloads: 'unix' } },
      'agent.workloads: expected a list of unix, systemd, docker and k8s, with one at the least, and found "unix"',
    ],
    [{ agent: { workloads: [] } }, 'agent.workloads[0]: this key is missing'],
    [{ agent: { ...agent, socket: `/run/${'a'.repeat(100)}` } }, 'agent.socket: the path of a socket is at most 100 bytes'],
    [{ agent: { workload: ['unix'] } }, 'agent.workload: there is no such key; did you mean workloads?'],
    [{ server: [] }, 'server: there is no such key; did you mean servers?'],
    [{ servers: [{ ...server, port: 0 }] }, 'servers[0].port: expected a whole number from 1 to 65535, and found the number 0'],
    [
      { balancer: { host: 'a', sources: ['10.0.0.1'] } },
      'balancer.sources[0]: expected a network such as "10.0.0.0/24", and found "10.0.0.1"',
    ],
  ])('%j', (changes, problem) => {
    expect(told(valuesOf('host', changes))).toEqual([problem]);
  });
});

it('a file is refused at its lines, all of it at once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'eph-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'spire.yaml');
  writeFileSync(
    path,
    'domain: prod.acme.com\nsubject: { country: [], organization: [], name: a }\nservers: []\nupstraem: {}\nstore: { kind: sqlite }\nnodes: { kind: x509pop }\nbundle: { kind: file }\nagent: { workloads: [unix], socket: agent.sock }\n',
  );
  try {
    readSpire(path);
    expect.unreachable();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.problems.map(({ file, line, column, key }) => `${file === path} ${line}:${column} ${key}`)).toEqual([
      'true 3:10 servers',
      'true 4:1 upstraem',
      'true 8:37 agent.socket',
    ]);
  }
});
