// An image in; containers of it out, run as a cluster runs them: read-only, without a capability, as the user that the image names.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { inTime, run, tryRun } from './command.js';

/** @typedef {Record<string, unknown>} LogLine */

/**
 * @typedef {object} Container
 * @property {(fits: (line: LogLine) => boolean, what: string, from?: number) => Promise<LogLine>} line the first that fits, after `from` others
 * @property {(fits: (line: LogLine) => boolean) => number} count
 * @property {() => Promise<import('./command.js').Ended>} health runs the HEALTHCHECK of the image
 * @property {(script: string) => Promise<string>} evaluate what a script in the container prints
 * @property {() => Promise<number>} pid its process, as this namespace knows it
 * @property {() => Promise<string>} stop sends SIGTERM, and SIGKILL when shutdown.grace_period of the default configuration is over
 * @property {() => Promise<number>} ended its exit code
 */

/** Beside what the image says: no cgroup of podman's, since the suite makes its own; no write anywhere but into /tmp. */
const hardened = [
  '--cgroups=disabled',
  '--ulimit=nofile=4096:4096',
  '--ulimit=nproc=4096:4096',
  '--network=host',
  '--ipc=none',
  '--read-only',
  '--read-only-tmpfs=false',
  '--tmpfs=/tmp:mode=1777,size=16m',
  '--cap-drop=all',
  '--security-opt=no-new-privileges',
];

/**
 * @param {readonly string[]} storage
 * @param {string} image
 */
export function createRuntime(storage, image) {
  const podman = ['podman', ...storage, '--cgroup-manager=cgroupfs', '--events-backend=file', '--runtime=crun'];
  // There may be no systemd here to make timers of; the suite runs the health check itself.
  const env = { ...process.env, DISABLE_HC_SYSTEMD: 'true' };
  const call = (/** @type {string[]} */ ...words) => run([...podman, ...words], { env });
  let number = 0;

  /**
   * @param {readonly string[]} words of `podman run`
   * @param {readonly string[]} args
   * @param {import('./cgroup.js').MemoryGroup} [group] to start it in
   */
  function runWords(words, args, group) {
    const command = [...podman, 'run', ...hardened, ...words, image, ...args];
    return group === undefined ? command : ['sh', '-c', 'echo 0 > "$0/cgroup.procs" && exec "$@"', group.path, ...command];
  }

  return {
    call,
    /** The folder in which the files of the image are. */
    mount: () => call('image', 'mount', image),
    /** @param {Parameters<typeof runWords>} words to the end */
    once: (...words) => tryRun(runWords(['--rm', ...words[0]], words[1], words[2]), { env }),
    /**
     * @param {Parameters<typeof runWords>} words until it is stopped
     * @returns {Promise<Container>}
     */
    async start(...words) {
      const name = `c${++number}`;
      await run(runWords(['--detach', `--name=${name}`, ...words[0]], words[1], words[2]), { env });
      const log = followLog([...podman, 'logs', '--follow', name]);
      return {
        ...log,
        health: () => tryRun([...podman, 'healthcheck', 'run', name], { env }),
        evaluate: (script) => call('exec', name, '/nodejs/bin/node', '-p', script),
        pid: async () => Number(await call('inspect', '--format={{.State.Pid}}', name)),
        stop: () => call('stop', '--time=30', name),
        ended: async () => Number(await inTime(call('wait', name), `${name} did not end`)),
      };
    },
  };
}

/** @typedef {ReturnType<typeof createRuntime>} Runtime */

/** @param {readonly string[]} command */
function followLog([file = '', ...args]) {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  /** @type {LogLine[]} */
  const lines = [];
  /** @type {Set<() => void>} */
  const waiting = new Set();
  createInterface({ input: child.stdout }).on('line', (text) => {
    lines.push(text.startsWith('{') ? JSON.parse(text) : { text });
    for (const look of waiting) look();
  });
  return {
    count: (/** @type {(line: LogLine) => boolean} */ fits) => lines.filter(fits).length,
    /** @type {Container['line']} */
    line: (fits, what, from = 0) => {
      /** @type {Promise<LogLine>} */
      const found = new Promise((resolve) => {
        const look = () => {
          const line = lines.filter(fits)[from];
          if (line === undefined) return;
          waiting.delete(look);
          resolve(line);
        };
        waiting.add(look);
        look();
      });
      return inTime(found, `the log does not say that the container is ${what}`).catch((error) => {
        throw new Error(`${error.message}; it says\n${lines.map((line) => JSON.stringify(line)).join('\n')}`);
      });
    },
  };
}
