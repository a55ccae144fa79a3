// A benchmark process and how the parent speaks to it: requests by name in, results out, over the IPC channel of fork().
import { fork } from 'node:child_process';
import { once } from 'node:events';

/** Starts a worker file; `call(name, argument)` runs one of its functions. `env` goes over the variables of this process. */
export function startWorker(file, argument, { env = {} } = {}) {
  const child = fork(new URL(`../workers/${file}`, import.meta.url), [], {
    execArgv: [],
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const waiting = new Map();
  let last = 0;
  child.on('message', ({ id, value, error }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) resolve(value);
    else reject(new Error(`${file}: ${error}`));
  });
  child.on('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended with ${code}`));
  });
  function call(name, value) {
    last += 1;
    const id = last;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      child.send({ id, name, value });
    });
  }
  return {
    call,
    pid: child.pid,
    ready: call('start', argument),
    async stop() {
      if (child.exitCode !== null) return;
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}

/** Serves the functions of a worker; the process ends when the parent lets go of it. */
export function serveWorker(functions) {
  process.on('message', async ({ id, name, value }) => {
    try {
      process.send({ id, value: await functions[name](value) });
    } catch (error) {
      process.send({ id, error: error?.stack ?? String(error) });
    }
  });
  process.on('disconnect', () => process.exit(0));
}

/** CPU seconds of this process since the last call. */
export function createCpuMeter() {
  let last = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(last);
    last = process.cpuUsage();
    return (user + system) / 1e6;
  };
}
