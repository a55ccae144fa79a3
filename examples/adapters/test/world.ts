// What the tests run in: a development agent, and the examples as programs that get their identity from it.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type DevAgent, openDevAgent } from '@ephemos/dev';
import { openX509Source, type X509Source } from 'ephemos';

const folder = fileURLToPath(new URL('..', import.meta.url));

/** The SPIFFE IDs of the examples. A stranger may not connect anywhere, and nobody wants to talk to the wrong server. */
export const ids = {
  orders: 'spiffe://example.org/orders',
  wrong: 'spiffe://example.org/wrong',
  web: 'spiffe://example.org/web',
  ops: 'spiffe://example.org/ops',
  stranger: 'spiffe://example.org/stranger',
} as const;

export type Name = keyof typeof ids;

/** How a program ended. */
export interface Exit {
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A server that listens. */
export interface RunningServer {
  /** Its origins, in the order in which it listened. */
  readonly origins: readonly string[];
  /** `host:port` of the first one. */
  readonly address: string;
  /** Ends it. */
  stop(): Promise<Exit>;
}

export interface World extends AsyncDisposable {
  readonly agent: DevAgent;
  /** Starts an example that serves on so many ports. */
  serve(file: string, as: Name, ports?: number): Promise<RunningServer>;
  /** Runs an example to its end. */
  run(file: string, as: Name, args: readonly string[]): Promise<Exit>;
  /** The identity in this process. */
  open(as: Name): Promise<X509Source>;
}

export async function openWorld(): Promise<World> {
  const agent = await openDevAgent({ trustDomain: 'example.org' });
  const sources: X509Source[] = [];
  const running = new Set<RunningServer>();

  async function start(file: string, as: Name, args: readonly string[]): Promise<Program> {
    const endpoint = await agent.endpointFor(ids[as]);
    return startProgram(file, args, { SPIFFE_ENDPOINT_SOCKET: endpoint, PORT: '0', PORT1: '0' });
  }

  return {
    agent,
    async serve(file, as, ports = 1) {
      const program = await start(file, as, []);
      const found = await program.ports(ports);
      const server: RunningServer = {
        origins: found.map((port) => `https://localhost:${port}`),
        address: `localhost:${found[0]}`,
        async stop() {
          running.delete(server);
          program.child.kill('SIGTERM');
          return program.exited;
        },
      };
      running.add(server);
      return server;
    },
    async run(file, as, args) {
      return (await start(file, as, args)).exited;
    },
    async open(as) {
      const source = await openX509Source({ endpoint: await agent.endpointFor(ids[as]) });
      sources.push(source);
      return source;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...running].map((server) => server.stop()));
      await Promise.all(sources.map((source) => source.close()));
      await agent.close();
    },
  };
}

interface Program {
  readonly child: ChildProcess;
  readonly exited: Promise<Exit>;
  /** The first ports that it says it listens on. */
  ports(count: number): Promise<readonly string[]>;
}

function startProgram(file: string, args: readonly string[], env: Readonly<Record<string, string>>): Program {
  const child = spawn(process.execPath, [file, ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const readers = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (const read of readers) read();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const exited = new Promise<Exit>((resolve) => child.on('close', (code, signal) => resolve({ code: code ?? signal, stdout, stderr })));
  return {
    child,
    exited,
    ports: (count) =>
      new Promise((resolve, reject) => {
        function read(): void {
          const ports = Array.from(stdout.matchAll(/port: (\d+)/g), ([, port]) => port ?? '');
          if (ports.length < count) return;
          readers.delete(read);
          resolve(ports.slice(0, count));
        }
        readers.add(read);
        read();
        void exited.then((exit) => reject(new Error(`${file} ended with ${exit.code} before it listened: ${exit.stderr}`)));
      }),
  };
}

/** The codes of an error and of all its causes, and its text. */
export function codesOf(error: unknown): readonly unknown[] {
  if (!(error instanceof Error)) return [];
  return [...('code' in error ? [error.code] : []), ...codesOf(error.cause)];
}

/** What a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  if (outcome === undefined) throw new Error('it should have failed');
  return outcome.error;
}
