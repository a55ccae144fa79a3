// `node scripts/limit.js SECONDS COMMAND...`: timeout(1) for machines that lack it. Exits as the command does, or with 124.
import { spawn } from 'node:child_process';

const graceMs = 20_000;
const [seconds, file, ...args] = process.argv.slice(2);
if (!(Number(seconds) > 0) || file === undefined) {
  process.stderr.write('usage: node scripts/limit.js SECONDS COMMAND...\n');
  process.exit(2);
}

const child = spawn(file, args, { stdio: 'inherit', detached: true });

/** Reaches the whole group of the command. */
function signal(name) {
  try {
    process.kill(-child.pid, name);
  } catch {
    // Nothing of it is left.
  }
}

let over = false;
const timer = setTimeout(() => {
  over = true;
  signal('SIGTERM');
  setTimeout(() => signal('SIGKILL'), graceMs).unref();
}, Number(seconds) * 1000);
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => signal(name));
child.once('error', (error) => {
  clearTimeout(timer);
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 127;
});
child.once('exit', (code) => {
  clearTimeout(timer);
  if (over) signal('SIGKILL');
  process.exitCode = over ? 124 : (code ?? 1);
});
