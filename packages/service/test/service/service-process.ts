// The program of program.js in a process of its own, on an agent of this process: its log lines, its ports, how it ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DevAgent, openDevAgent } from '@ephemos/dev';

export const ORDERS = 'spiffe://example.org/orders';
export const WEB = 'spiffe://example.org/web';
export const OPS = 'spiffe://example.org/ops';

export interface LogLine {
  readonly msg?: string;
  readonly [field: string]: unknown;
}

export interface ServiceProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly agent: DevAgent;
  readonly directory: string;
  readonly configPath: string;
  readonly lines: readonly LogLine[];
  readonly stderr: () => string;
  readonly ports: { readonly listen: number; readonly health: number; readonly metrics: number };
  /** The first line that fits, now or later. */
  line(fits: (line: LogLine) => boolean, what: string): Promise<LogLine>;
  /** The exit code. */
  readonly exited: Promise<number | null>;
}

export const baseConfig = `service:
  name: orders
  domain: example.org
  authorized_clients: [${WEB}]
listen: { address: "127.0.0.1:0" }
health: { address: "127.0.0.1:0", interval: 1s, timeout: 1s }
metrics: { address: "127.0.0.1:0" }
shutdown: { drain_delay: 300ms, deadline: 5s, grace_period: 20s }
logs: { audit_sample: 1 }
`;

export interface StartOptions {
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly agent?: DevAgent;
  readonly endpoint?: string;
  readonly program?: string;
  /** False to return before the service listens. */
  readonly listening?: boolean;
}

const PATIENCE_MS = 15_000;

export async function startService(options: StartOptions = {}): Promise<ServiceProcess> {
  const { config = baseConfig, env = {}, program = 'program.js', listening = true } = options;
  const agent = options.agent ?? (await openDevAgent({ trustDomain: 'example.org' }));
  const directory = mkdtempSync(join(tmpdir(), 'eph-svc-'));
  const configPath = join(directory, 'config.yaml');
  writeFileSync(configPath, config);
  const child = spawn(process.execPath, [fileURLToPath(new URL(program, import.meta.url))], {
    env: {
      ...process.env,
      EPHEMOS_CONFIG_PATH: configPath,
      SPIFFE_ENDPOINT_SOCKET: options.endpoint ?? (await agent.endpointFor(ORDERS)),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: LogLine[] = [];
  const watchers = new Set<() => void>();
  let [rest, stderr] = ['', ''];
  child.stdout.on('data', (bytes: Buffer) => {
    const parts = (rest + bytes.toString()).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const line: LogLine = JSON.parse(part);
      lines.push(line);
    }
    for (const watcher of watchers) watcher();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  const exited = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  function line(fits: (line: LogLine) => boolean, what: string): Promise<LogLine> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(fail, PATIENCE_MS);
      function fail(): void {
        settle();
        reject(new Error(`no line: ${what}\n${lines.map((each) => JSON.stringify(each)).join('\n')}\n${stderr}`));
      }
      function settle(): void {
        clearTimeout(timer);
        watchers.delete(check);
      }
      function check(): void {
        const found = lines.find(fits);
        if (found === undefined) return;
        settle();
        resolve(found);
      }
      watchers.add(check);
      void exited.then(() => {
        check();
        if (watchers.has(check)) fail();
      });
      check();
    });
  }
  const ports = { listen: 0, health: 0, metrics: 0 };
  const started: ServiceProcess = {
    child,
    agent,
    directory,
    configPath,
    lines,
    stderr: () => stderr,
    ports,
    line,
    exited,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
      if (options.agent === undefined) await agent[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  if (listening) {
    const open = await line(({ msg }) => msg === 'listening', 'listening');
    for (const name of ['listen', 'health', 'metrics'] as const) ports[name] = portIn(open[name]);
  }
  return started;
}

/** The port of an address as the log shows it. */
export function portIn(address: unknown): number {
  return typeof address === 'string' ? Number(address.split(':').pop()) : 0;
}

/** An answer of one of the plaintext ports. */
export async function get(port: number, path: string): Promise<{ readonly status: number; readonly body: string }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, body: await response.text() };
}

/** Asks until the answer fits. */
export async function until<T>(
  ask: () => Promise<T>,
  fits: (answer: T) => boolean,
  what: string,
  within: number = PATIENCE_MS,
): Promise<T> {
  const end = performance.now() + within;
  for (;;) {
    const answer = await ask();
    if (fits(answer)) return answer;
    if (performance.now() > end) throw new Error(`never: ${what}; last: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
