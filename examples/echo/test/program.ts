// Starts the built programs as child processes: a command in; its lines, its exit code and its output out.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How a program ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running program. */
export interface Program {
  readonly exited: Promise<Exit>;
  /** The first line of its output, past or to come, that is a JSON object with this event. Rejects when the program ends without it. */
  event(name: string): Promise<Readonly<Record<string, unknown>>>;
  /** The events until now. */
  events(name: string): readonly Readonly<Record<string, unknown>>[];
  kill(signal: NodeJS.Signals): void;
}

const running = new Set<ChildProcess>();

/** Starts `dist/<name>.js`. Without SPIFFE_ENDPOINT_SOCKET in `env` the program has none. */
export function start(
  name: 'echo-server' | 'echo-client',
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Program {
  const file = fileURLToPath(new URL(`../dist/${name}.js`, import.meta.url));
  const child = spawn(process.execPath, [file, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, SPIFFE_ENDPOINT_SOCKET: undefined, EPHEMOS_CONFIG_PATH: undefined, ...env },
  });
  running.add(child);
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
  const exited = new Promise<Exit>((resolve) => {
    child.on('close', (code, signal) => {
      running.delete(child);
      resolve({ code, signal, stdout, stderr });
    });
  });

  const events = (wanted: string) => eventsIn(stdout).filter(({ event }) => event === wanted);
  return {
    exited,
    events,
    event: (wanted) =>
      new Promise((resolve, reject) => {
        const read = () => {
          const [found] = events(wanted);
          if (found === undefined) return;
          readers.delete(read);
          resolve(found);
        };
        readers.add(read);
        read();
        void exited.then(({ code }) => reject(new Error(`${name} ended with ${code} before "${wanted}": ${stdout}${stderr}`)));
      }),
    kill: (signal) => child.kill(signal),
  };
}

/** Runs a program to its end. */
export function run(...program: Parameters<typeof start>): Promise<Exit> {
  return start(...program).exited;
}

/** Ends what a failed test left behind. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

function eventsIn(text: string): readonly Readonly<Record<string, unknown>>[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map(parseObject);
}

function parseObject(line: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(line);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
