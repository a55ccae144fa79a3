import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { renderStack } from '../../../src/deploy/compose/render-stack.ts';
import { composeTarget } from '../../../src/deploy/compose/target.ts';
import { parseNames } from '../../../src/deploy/project/names.ts';
import { recordOf, recordText } from '../../../src/deploy/project/record.ts';
import { checkConf } from '../../../src/deploy/spire/check-conf.ts';
import { readEntriesFile } from '../../../src/entries/entries-file.ts';

const folder = fileURLToPath(new URL('../../../../../deploy/compose', import.meta.url));
const files = renderStack(parseNames());
const textOf = (name: string): string => files.get(name) ?? '';
const compose: Compose = parse(textOf('compose.yaml'), { merge: true });
const services = Object.entries(compose.services);

interface Compose {
  readonly version?: unknown;
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
  readonly volumes: Readonly<Record<string, { readonly driver_opts: { readonly o: string } }>>;
}

interface Service {
  readonly image: string;
  readonly user: string;
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly privileged?: boolean;
  readonly pid?: string;
  readonly restart: string;
  readonly network_mode?: string;
  readonly networks?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes: readonly (
    | string
    | { readonly source: string; readonly target: string; readonly read_only?: boolean; readonly volume: { readonly nocopy: boolean } }
  )[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly environment?: Readonly<Record<string, string>>;
}

describe('the stack in deploy/compose', () => {
  it('is what the command renders without any answer', () => {
    const rendered = new Map([
      ...files,
      ['ephemos-deploy.json', recordText({ ...recordOf('compose', composeTarget.make({})), sample: true })],
    ]);
    for (const [name, text] of rendered) expect(readFileSync(join(folder, name), 'utf8'), name).toBe(text);
  });

  it('has no secret in the repository, and cannot get one by mistake', () => {
    expect(textOf('.gitignore').split('\n')).toEqual(expect.arrayContaining(['/private/', '/.env']));
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((each) => files.has(each)))
      expect(readFileSync(join(folder, name), 'utf8')).not.toMatch(/PRIVATE KEY|password|join_token/i);
  });
});

describe('compose.yaml', () => {
  it('has no version, which is obsolete', () => expect(compose.version).toBeUndefined());

  it.each(services)('%s has a read-only root, no capabilities, no new ones, and a user who is not root', (_, service) => {
    expect(service.read_only).toBe(true);
    expect(service.cap_drop).toEqual(['ALL']);
    expect(service.security_opt).toEqual(['no-new-privileges:true']);
    expect(service.privileged).toBeUndefined();
    expect(service.user).toMatch(/^(2000[12]:2000[12]|\$\{SPIRE_UID:\?[^}]+\}:\$\{SPIRE_GID:\?[^}]+\})$/);
  });

  it.each(services)('%s is an image of one version', (_, { image }) => {
    expect(image).toMatch(/:(\d+\.\d+\.\d+)\}?$/);
    expect(image).not.toContain('latest');
  });

  it('names the images of the services by the version of the packages', () => {
    const { version } = createRequire(import.meta.url)('../../../package.json');
    expect(compose.services['echo-server']?.image).toContain(`:${version}`);
  });

  it('publishes on loopback only, and nothing of SPIRE', () => {
    const published = services.flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]));
    expect(published).toEqual([
      ['echo-server', '127.0.0.1:8080:8080'],
      ['echo-server', '127.0.0.1:9090:9090'],
    ]);
    expect(compose.networks['spire']).toEqual({ internal: true });
  });

  it('shows the processes of the host to the agent alone, and the socket of an engine to nobody', () => {
    expect(services.filter(([, { pid }]) => pid !== undefined).map(([name, { pid }]) => [name, pid])).toEqual([
      // The server refuses whom it cannot see: "could not resolve caller information".
      ['entries', 'service:spire-server'],
      ['spire-agent', 'host'],
    ]);
    expect(textOf('compose.yaml')).not.toContain('docker.sock');
  });

  it('waits for health, and has a check where something waits for it', () => {
    const waited = services.flatMap(([, { depends_on = {} }]) => Object.entries(depends_on));
    expect(waited.map(([name, { condition }]) => `${name} ${condition}`)).toEqual([
      'spire-server service_healthy',
      'spire-server service_healthy',
      'entries service_started',
      'spire-agent service_healthy',
      'echo-server service_healthy',
    ]);
    for (const [name, { condition }] of waited)
      if (condition === 'service_healthy') expect(compose.services[name]?.healthcheck?.test[0]).toBe('CMD');
  });

  it('gives the socket that administers SPIRE to the server and the one that registers, and the other read-only to workloads', () => {
    const having = (source: string): readonly (readonly [string, boolean])[] =>
      services.flatMap(([name, { volumes }]) =>
        volumes.flatMap((volume) =>
          typeof volume === 'object' && volume.source === source ? [[name, volume.read_only === true] as const] : [],
        ),
      );
    expect(having('spire-server-socket').map(([name]) => name)).toEqual(['spire-server', 'entries']);
    expect(having('spire-agent-socket')).toEqual([
      ['spire-agent', false],
      ['echo-server', true],
      ['echo-client', true],
    ]);
    expect(compose.volumes['spire-server-socket']?.driver_opts.o).toContain('mode=0700');
  });

  it('gives each container the keys that it needs and no others', () => {
    const keysOf = (name: string): readonly string[] =>
      (compose.services[name]?.volumes ?? []).flatMap((volume) =>
        typeof volume === 'string' && volume.includes('private/') ? [volume.split(':')[0] ?? ''] : [],
      );
    expect(Object.fromEntries(services.map(([name]) => [name, keysOf(name)]))).toEqual({
      'spire-server': ['./private/upstream', './private/nodes', './private/state/server'],
      entries: [],
      'spire-agent': ['./private/node', './private/state/agent'],
      'echo-server': [],
      'echo-client': [],
    });
  });
});

describe('the files of the stack agree', () => {
  it('every path in the configurations of SPIRE is mounted', () => {
    for (const [service, conf] of [
      ['spire-server', 'spire/server.conf'],
      ['spire-agent', 'spire/agent.conf'],
    ] as const) {
      const targets = (compose.services[service]?.volumes ?? []).map((volume) =>
        typeof volume === 'string' ? (volume.split(':')[1] ?? '') : volume.target,
      );
      const all = [...targets, '/run/spire/agent/private'];
      const paths = [...textOf(conf).matchAll(/= "(\/(?!live|ready|x509pop)[^"]+)"/g)].map(([, path]) => path ?? '');
      expect(paths.length).toBeGreaterThan(4);
      for (const path of paths)
        expect(
          all.some((target) => path === target || path.startsWith(`${target}/`)),
          path,
        ).toBe(true);
      expect(checkConf(textOf(conf), conf).problems).toEqual([]);
    }
  });

  it('the users of the containers are the selectors of the entries, and both entries files make the same entries', () => {
    const read = readEntriesFile(join(folder, 'entries.yaml'));
    if (!('entries' in read)) throw new Error(JSON.stringify(read.problems));
    expect(read.entries.map(({ spiffeId, selectors }) => [spiffeId, selectors])).toEqual(
      ['server', 'client'].map((name) => [
        `spiffe://echo.internal/echo-${name}`,
        [`unix:uid:${compose.services[`echo-${name}`]?.user.split(':')[0]}`],
      ]),
    );
    const made: { readonly entries: readonly Record<string, unknown>[] } = JSON.parse(textOf('entries.json'));
    expect(made.entries).toEqual(
      read.entries.map(({ entryId, spiffeId, parentId, selectors }) => ({
        entry_id: entryId,
        spiffe_id: spiffeId,
        parent_id: parentId,
        selectors: selectors.map((each) => ({ type: 'unix', value: each.slice('unix:'.length) })),
      })),
    );
  });

  it('the services find the socket of the agent', () => {
    for (const name of ['echo-server', 'echo-client'])
      expect(textOf('spire/agent.conf')).toContain(
        `socket_path = "${compose.services[name]?.environment?.['SPIFFE_ENDPOINT_SOCKET']?.slice('unix://'.length)}"`,
      );
  });

  it('other names go into every file', () => {
    const other = renderStack(parseNames('orders', 'prod.acme.com'));
    for (const [name, text] of other) expect(text, name).not.toMatch(/echo-(server|client)(?!\.js)|echo\.internal/);
    expect([...other.keys()]).toContain('config/orders-server.yaml');
  });
});
