// Runs a program and hands back its exit code and what it printed.
import { spawn } from 'node:child_process';

/** The running programs, and whether each leads a process group of its own. */
const running = new Map();

/** Ends the programs that are still running when this process is told to stop. */
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
]) {
  process.once(signal, () => {
    for (const child of running.keys()) kill(child, 'SIGTERM');
    process.exit(code);
  });
}

function kill(child, signal) {
  try {
    process.kill(running.get(child) ? -child.pid : child.pid, signal);
  } catch {
    // Already gone.
  }
}

/**
 * Runs `file` with `args`; resolves with { code, output, stdout, timedOut }, `output` being both streams as they came.
 * `timeoutMs` ends the program and all it started; `onOutput` receives the chunks as they come.
 */
export function run(file, args, { cwd, env, timeoutMs, onOutput } = {}) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: timeoutMs !== undefined });
    running.set(child, timeoutMs !== undefined);
    const chunks = [];
    const stdout = [];
    let timedOut = false;
    const timer =
      timeoutMs &&
      setTimeout(() => {
        timedOut = true;
        kill(child, 'SIGKILL');
      }, timeoutMs);
    const take = (chunk) => {
      chunks.push(chunk);
      onOutput?.(chunk);
    };
    child.stdout.on('data', (chunk) => {
      stdout.push(chunk);
      take(chunk);
    });
    child.stderr.on('data', take);
    const finish = (code, extra = '') => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ code, timedOut, stdout: Buffer.concat(stdout).toString(), output: Buffer.concat(chunks).toString() + extra });
    };
    child.once('error', (error) => finish(127, `${error.message}\n`));
    child.once('close', (code, signal) => finish(code ?? `signal ${signal}`, timedOut ? `stopped after ${timeoutMs / 1000} s\n` : ''));
  });
}

/** How to start npm from here: the copy that started this script when there is one, so that no other version is mixed in. */
export function npmCommand(env = process.env) {
  const path = env.npm_execpath;
  return path?.endsWith('npm-cli.js') ? [process.execPath, path] : ['npm'];
}
