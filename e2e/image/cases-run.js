// The image at work, hardened: who it runs as, where it can write, who gets an answer, what its health check says and how it ends.
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { createAgent, createFetch } from 'ephemos';
import { inTime } from './command.js';
import { ids, says } from './world.js';

/** Where services are tempted to write. */
const readOnly = ['/x', '/app/x', '/app/node_modules/x', '/etc/x', '/home/nonroot/x', '/run/x', '/nodejs/x'];

/**
 * @param {{ runtime: import('./containers.js').Runtime, world: import('./world.js').World }} options
 * @returns {readonly import('./inside.js').Case[]}
 */
export function runCases({ runtime, world }) {
  /** @type {Awaited<ReturnType<typeof world.startServer>>} */
  let server;
  return [
    [
      'writes',
      async () => {
        const script = `for (const path of ${JSON.stringify([...readOnly, '/tmp/x'])}) {
          try { require('node:fs').writeFileSync(path, ''); console.log(path, 'written') } catch ({ code }) { console.log(path, code) } }`;
        const { stdout } = await runtime.once(['--entrypoint=/nodejs/bin/node'], ['--eval', script]);
        assert.deepEqual(stdout.trim().split('\n'), [...readOnly.map((path) => `${path} EROFS`), '/tmp/x written']);
        return `EROFS at ${readOnly.length} places, and only /tmp takes a file`;
      },
    ],
    [
      'health without an identity',
      async () => {
        server = await world.startServer({ identity: false });
        await server.line(says('waiting'), 'waiting for its identity');
        const { code, stdout, stderr } = await server.health();
        assert.equal(code, 1, `the health check ended with ${code}: ${stdout}${stderr}`);
        await world.agent.register({ id: ids.server });
        await server.line(says('ready'), 'ready');
        return 'the health check of the image ends with 1';
      },
    ],
    [
      'privileges',
      async () => {
        const status = readFileSync(`/proc/${await server.pid()}/status`, 'utf8');
        const value = (/** @type {string} */ name) => new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(status)?.[1];
        assert.equal(value('Uid'), '65532\t65532\t65532\t65532');
        assert.equal(value('Gid'), '65532\t65532\t65532\t65532');
        for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) assert.equal(value(set), '0000000000000000', set);
        assert.equal(value('NoNewPrivs'), '1');
        assert.equal(value('Seccomp'), '2', 'no filter of system calls');
        assert.equal(
          await server.evaluate('process.pid === 1 || require("node:fs").readFileSync("/proc/1/cmdline", "utf8").split("\\0")[0]'),
          '/nodejs/bin/node',
        );
        return 'uid 65532, five empty sets of capabilities, no new privileges, a system call filter, node is process 1';
      },
    ],
    [
      'echo',
      async () => {
        const fetch = createFetch({ source: world.source, authorize: world.authorize });
        const response = await fetch(`https://${server.address}/echo`, { method: 'POST', body: 'hello' });
        assert.deepEqual(await response.json(), { message: 'hello', caller: ids.client });
        await fetch.close();
        const client = await world.runClient(ids.client, ['hello', '--server', server.address]);
        assert.equal(client.stdout, `hello  (the server knows us as ${ids.client})\n`, client.stderr);
        const stranger = await world.runClient(ids.stranger, ['hello', '--server', server.address]);
        assert.equal(stranger.code, 4, `a stranger got ${stranger.stdout}${stranger.stderr}`);
        return 'answered over HTTP to this process and over gRPC to a second container; a stranger is refused';
      },
    ],
    [
      'health',
      async () => {
        const ready = await server.health();
        assert.equal(ready.code, 0, `the health check of a ready server: ${ready.stdout}${ready.stderr}`);
        const readyLines = server.count(says('ready'));
        await world.agent.remove(ids.server);
        await server.line(says('not ready'), 'not ready', 0);
        const unready = await server.health();
        assert.equal(unready.code, 1, `the health check ended with ${unready.code} for a server whose identity was taken back`);
        await world.agent.register({ id: ids.server });
        await server.line(says('ready'), 'ready again', readyLines);
        const again = await server.health();
        assert.equal(again.code, 0, `${again.stdout}${again.stderr}`);
        return '0 when ready, 1 after its identity was taken back, 0 when it came back';
      },
    ],
    [
      'SIGTERM',
      async () => {
        const written = await server.evaluate('require("node:fs").readdirSync("/tmp").length');
        assert.equal(written, '0', 'the service wrote into /tmp');
        const post = await beginPost(server.address, world);
        const began = performance.now();
        const stopped = server.stop();
        await server.line(says('draining'), 'draining');
        assert.equal(await inTime(post(), 'the call under way was not answered'), 200);
        await stopped;
        assert.equal(await server.ended(), 0, 'it did not end by itself within its grace period');
        const last = await server.line(says('shut down'), 'shut down');
        assert.equal(last['clean'], true, 'it had to cut a call off');
        return `exit 0 after ${((performance.now() - began) / 1000).toFixed(1)} s, of which the drain delay is 1 s; the call under way was answered`;
      },
    ],
  ];
}

/**
 * A POST whose body waits.
 * @param {string} address
 * @param {import('./world.js').World} world
 */
async function beginPost(address, { source, authorize }) {
  const agent = createAgent({ source, authorize });
  const post = request(`https://${address}/echo`, { method: 'POST', agent, headers: { expect: '100-continue' } });
  post.flushHeaders();
  await inTime(once(post, 'continue'), 'the server did not ask for the body');
  return async () => {
    const responses = once(post, 'response');
    post.end('late');
    const [response] = await responses;
    await once(response.resume(), 'end');
    agent.destroy();
    return response.statusCode;
  };
}
