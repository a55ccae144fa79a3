// A server program in a folder of its own that is gone with it, run by a user who may do nothing else.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bounded } from './events.ts';

/** Who runs the servers: PostgreSQL refuses root. */
const owner = process.geteuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : undefined;

function idOf(flag: string): number {
  return Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
}

/** The folder of one server. */
export interface Throwaway extends AsyncDisposable {
  readonly path: string;
  /** Writes a file that the server alone may read. */
  write(name: string, content: string): string;
  /** Runs a program to its end. */
  run(program: string, args: readonly string[]): void;
  /** Starts the server; resolves when it has written this. It is ended with the folder. */
  start(program: string, args: readonly string[], ready: RegExp): Promise<Server>;
}

/** A server that runs. */
export interface Server {
  readonly process: ChildProcess;
  /** Everything that it has written. */
  log(): string;
  /** Resolves when it has written this, from now on. */
  says(pattern: RegExp): Promise<void>;
}

export function createThrowaway(name: string): Throwaway {
  // Short: a unix socket in it has at most 100 bytes.
  const path = mkdtempSync(join(tmpdir(), `eph-${name}-`));
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
  const servers: ChildProcess[] = [];
  const killAll = (): void => servers.forEach((server) => void server.kill('SIGKILL'));
  process.once('exit', killAll);

  return {
    path,
    write(file, content) {
      const full = join(path, file);
      writeFileSync(full, content, { mode: 0o600 });
      if (owner !== undefined) chownSync(full, owner.uid, owner.gid);
      return full;
    },
    run: (program, args) => void execFileSync(program, args, { ...owner, cwd: path, stdio: 'pipe' }),
    async start(program, args, ready) {
      const child = spawn(program, args, { ...owner, cwd: path, stdio: ['ignore', 'pipe', 'pipe'] });
      servers.push(child);
      let text = '';
      const watchers = new Set<() => void>();
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => {
          text += String(chunk);
          for (const watcher of watchers) watcher();
        });
      }
      function says(pattern: RegExp, from: number = text.length): Promise<void> {
        const said = new Promise<void>((resolve, reject) => {
          const settle = (done: () => void): void => {
            watchers.delete(check);
            done();
          };
          function check(): void {
            if (pattern.test(text.slice(from))) settle(resolve);
          }
          watchers.add(check);
          child.once('close', () => settle(() => reject(new Error(`${program} ended: ${text.slice(-2_000)}`))));
          check();
        });
        return bounded(said, `${pattern} in the log of ${program}`);
      }
      await says(ready, 0);
      return { process: child, log: () => text, says };
    },
    async [Symbol.asyncDispose]() {
      process.off('exit', killAll);
      await Promise.all(servers.map(end));
      rmSync(path, { recursive: true, force: true });
    },
  };
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const closed = new Promise<void>((resolve) => server.once('close', () => resolve()));
  // Fast shutdown of PostgreSQL; Redis takes it as well.
  server.kill('SIGINT');
  await bounded(closed, 'the end of a server').catch(() => void server.kill('SIGKILL'));
  await closed;
}

/** A port of the loopback that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address === null || typeof address === 'string' ? reject(new Error('no port')) : resolve(address.port)));
    });
  });
}
