// What the tests run in: a development agent, configuration files in a folder of their own, and the programs as callers of the agent.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DevAgent, openDevAgent } from '@ephemos/dev';
import { authorizeId, openX509Source, type X509Source } from 'ephemos';
import { type Exit, killAll, type Program, run, start } from '../demo/program.js';

/** Trust domain of the tests. */
export const domain = 'spiffe://example.org';

/** A server that listens. */
export interface RunningServer {
  readonly program: Program;
  /** `host:port` of the gate. */
  readonly address: string;
  readonly port: number;
  /** The environment of `echo-server health` for it. */
  readonly healthEnv: Readonly<Record<string, string>>;
}

/** The world of one test file. */
export interface World {
  readonly agent: DevAgent;
  /** Writes a configuration; resolves with the environment that names it. */
  config(text: string): Promise<Readonly<Record<string, string>>>;
  startServer(): Promise<RunningServer>;
  /** Runs echo-client under the name of an identity. */
  echo(as: string, args: readonly string[], trusts?: string): Promise<Exit>;
  /** The identity in this process. The world closes it. */
  open(as: string): Promise<X509Source>;
  close(): Promise<void>;
}

/** Opens a world. */
export async function openWorld(): Promise<World> {
  const agent = await openDevAgent({ trustDomain: 'example.org' });
  const folder = await mkdtemp(join(tmpdir(), 'echo-test-'));
  const sources: X509Source[] = [];
  let files = 0;

  async function config(text: string): Promise<Readonly<Record<string, string>>> {
    files += 1;
    const file = join(folder, `config-${files}.yaml`);
    await writeFile(file, text);
    return { EPHEMOS_CONFIG_PATH: file };
  }

  return {
    agent,
    config,
    async startServer() {
      const env = await config(serverConfig('127.0.0.1:0'));
      const endpoint = await agent.endpointFor(`${domain}/echo-server`);
      const program = start('echo-server', ['serve'], { ...env, SPIFFE_ENDPOINT_SOCKET: endpoint });
      const { address, health } = await program.event('listening');
      const port = Number(String(address).split(':').at(-1));
      return { program, address: String(address), port, healthEnv: await config(serverConfig(String(health))) };
    },
    async echo(as, args, trusts = 'echo-server') {
      const env = await config(`service: { name: ${as}, domain: example.org, trusted_servers: [${domain}/${trusts}] }\n`);
      return run('echo-client', args, { ...env, SPIFFE_ENDPOINT_SOCKET: await agent.endpointFor(`${domain}/${as}`) });
    },
    async open(as) {
      const source = await openX509Source({ endpoint: await agent.endpointFor(`${domain}/${as}`) });
      sources.push(source);
      return source;
    },
    async close() {
      killAll();
      await Promise.all(sources.map((source) => source.close()));
      await agent.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** A server for `echo-client`, on a free port. */
export function serverConfig(health: string): string {
  return [
    'service:',
    '  name: echo-server',
    '  domain: example.org',
    `  authorized_clients: [${domain}/echo-client]`,
    'listen: 127.0.0.1:0',
    `health: { address: "${health}" }`,
    '',
  ].join('\n');
}

/** Admits the echo server. */
export const authorizeServer = authorizeId(`${domain}/echo-server`);
