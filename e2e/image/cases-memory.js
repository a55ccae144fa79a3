// The image below a memory limit: with the heap flag that it has it stays alive under the load that ends it with a flag above the limit.
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createFetch } from 'ephemos';
import { PROGRAM } from './cases-image.js';
import { createMemoryGroup } from './cgroup.js';
import { tryRun } from './command.js';
import { says } from './world.js';

/** What the deployments give a service, in MiB. */
const LIMIT = 256;
const ABOVE = '--env=NODE_OPTIONS=--max-old-space-size=600';
/** Of the load on the service: how many calls at once, each with about the largest body that its configuration allows. */
const [atOnce, body] = [32, 'x'.repeat(60_000)];
const script = fileURLToPath(new URL('./fill-cache.js', import.meta.url));

/**
 * @param {{ runtime: import('./containers.js').Runtime, world: import('./world.js').World, calls: number, run: number }} options
 * `calls` to the service; `run` tells runs apart
 * @returns {readonly import('./inside.js').Case[]}
 */
export function memoryCases({ runtime, world, calls, run }) {
  const fill = (/** @type {import('./cgroup.js').MemoryGroup} */ group, /** @type {readonly string[]} */ words = []) =>
    runtime.once([`--volume=${script}:/load.mjs:ro`, '--entrypoint=/nodejs/bin/node', ...words], ['/load.mjs'], group);
  return [
    [
      `heap flag of the image in ${LIMIT} MiB`,
      () =>
        inGroup(`${run}-own`, async (group) => {
          const { code, stdout, stderr } = await fill(group);
          assert.equal(code, 0, `it ended with ${code}: ${stderr}`);
          assert.equal(group.killed(), 0);
          const { limit, entries } = JSON.parse(stdout);
          return `a cache filled to three quarters of a heap of ${limit} MiB, ${entries} entries; ${group.peak().toFixed(0)} MiB at most, nothing was killed`;
        }),
    ],
    [
      `a heap flag above ${LIMIT} MiB`,
      () =>
        inGroup(`${run}-above`, async (group) => {
          const { code, stdout } = await fill(group, [ABOVE]);
          assert.equal(code, 137, `it ended with ${code}: ${stdout}`);
          assert.ok(group.killed() > 0, 'the kernel killed nothing');
          return `the same load is killed by the kernel (exit ${code}, oom_kill ${group.killed()})`;
        }),
    ],
    [
      `the service in ${LIMIT} MiB`,
      () =>
        inGroup(`${run}-service`, async (group) => {
          const server = await world.startServer({ group });
          await server.line(says('ready'), 'ready');
          await load(server.address, world, calls);
          const alone = group.peak();
          const { code, stderr } = await healthInGroup(group, await server.pid());
          assert.equal(code, 0, `it is not ready after the load: ${stderr}`);
          assert.equal(group.killed(), 0, 'the kernel killed something');
          const both = group.peak();
          await server.stop();
          assert.equal(await server.ended(), 0);
          const figures = `${alone.toFixed(0)} MiB at most, ${both.toFixed(0)} with a health check, nothing was killed`;
          return `${calls} calls of ${body.length} bytes, ${atOnce} at once; ${figures}`;
        }),
    ],
  ];
}

/**
 * Runs the health check of the image where it counts: what podman starts in a container is in the group of podman's caller.
 * @param {import('./cgroup.js').MemoryGroup} group
 * @param {number} pid of the service, whose files and variables it has
 */
function healthInGroup({ path }, pid) {
  const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean);
  const env = Object.fromEntries(variables.map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)]));
  const words = ['nsenter', `--target=${pid}`, '--mount', '--setuid=65532', '--setgid=65532', ...PROGRAM, 'health'];
  return tryRun(['/bin/sh', '-c', 'echo 0 > "$0/cgroup.procs" && PATH=/usr/bin:/bin exec "$@"', path, ...words], { env });
}

/**
 * @param {string} name
 * @param {(group: import('./cgroup.js').MemoryGroup) => Promise<string>} body
 */
async function inGroup(name, body) {
  const group = createMemoryGroup(name, LIMIT);
  try {
    return await body(group);
  } finally {
    await group.remove();
  }
}

/**
 * @param {string} address
 * @param {import('./world.js').World} world
 * @param {number} calls
 */
async function load(address, { source, authorize }, calls) {
  const fetch = createFetch({ source, authorize });
  let left = calls;
  const caller = async () => {
    while (left-- > 0) {
      const response = await fetch(`https://${address}/echo`, { method: 'POST', body });
      assert.equal(response.status, 200);
      await response.text();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, caller)).finally(() => fetch.close());
}
