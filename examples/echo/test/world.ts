// What the tests run in: a development agent, the configuration files of the example with variables over them, and the programs as callers
// of the agent.
import { fileURLToPath } from 'node:url';
import { type DevAgent, openDevAgent } from '@ephemos/dev';
import { authorizeId, openX509Source, type X509Source } from 'ephemos';
import { type Exit, killAll, type Program, run, says, start } from '../demo/program.js';

/** Trust domain of the tests. */
export const domain = 'spiffe://example.org';

type Variables = Readonly<Record<string, string>>;

const configFile = (name: string): Variables => ({
  EPHEMOS_CONFIG_PATH: fileURLToPath(new URL(`../config/${name}.yaml`, import.meta.url)),
});

/** The environment of a server on free ports. */
export const serverEnv: Variables = {
  ...configFile('echo-server'),
  EPHEMOS_BIND_ADDRESS: '127.0.0.1:0',
  EPHEMOS_HEALTH_ADDRESS: '127.0.0.1:0',
  EPHEMOS_METRICS_ADDRESS: '127.0.0.1:0',
  EPHEMOS_SHUTDOWN_DRAIN_DELAY: '500ms',
};

/** The environment of a client. */
export function clientEnv(name = 'echo-client', trusted = 'echo-server'): Variables {
  return { ...configFile('echo-client'), EPHEMOS_SERVICE_NAME: name, EPHEMOS_TRUSTED_SERVERS: `${domain}/${trusted}` };
}

/** A server that listens. */
export interface RunningServer {
  readonly program: Program;
  /** `host:port` for callers. */
  readonly address: string;
  readonly port: number;
  /** `host:port` of the probes. */
  readonly health: string;
  /** Runs `echo-server health` for it. */
  probe(): Promise<Exit>;
}

/** The world of one test file. */
export interface World {
  readonly agent: DevAgent;
  startServer(): Promise<RunningServer>;
  /** Runs echo-client under the name of an identity. */
  echo(as: string, args: readonly string[], trusted?: string): Promise<Exit>;
  /** The identity in this process. The world closes it. */
  open(as: string): Promise<X509Source>;
  close(): Promise<void>;
}

/** Opens a world. */
export async function openWorld(): Promise<World> {
  const agent = await openDevAgent({ trustDomain: 'example.org' });
  const sources: X509Source[] = [];
  const socketOf = async (name: string): Promise<Variables> => ({
    SPIFFE_ENDPOINT_SOCKET: await agent.endpointFor(`${domain}/${name}`),
  });
  return {
    agent,
    async startServer() {
      const program = start('echo-server', ['serve'], { ...serverEnv, ...(await socketOf('echo-server')) });
      const line = await program.line(says('listening'), 'listening');
      const [address, health] = [String(line['listen']), String(line['health'])];
      const probe = (): Promise<Exit> => run('echo-server', ['health'], { ...serverEnv, EPHEMOS_HEALTH_ADDRESS: health });
      return { program, address, port: Number(address.split(':').at(-1)), health, probe };
    },
    async echo(as, args, trusted) {
      return run('echo-client', args, { ...clientEnv(as, trusted), ...(await socketOf(as)) });
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
    },
  };
}

/** Admits the echo server. */
export const authorizeServer = authorizeId(`${domain}/echo-server`);
