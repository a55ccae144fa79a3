// Calls on new connections, by address and by name, and what they start in the thread pool; the same while something else holds the pool.
import { closeSync, constants, open, openSync, readFile } from 'node:fs';
import { request } from 'node:https';
import { promisify } from 'node:util';
import { authorizeMemberOf, createAgent } from 'ephemos';
import { createFixedSource } from '../../lib/identities.js';
import { serveWorker } from '../../lib/worker.js';
import { createPoolCounter } from './pool-counter.js';

const counter = createPoolCounter();
let options;
let port;

/** One call on a connection of its own; resolves with its milliseconds. */
function call(host) {
  const startedAt = performance.now();
  const agent = createAgent({ ...options, keepAlive: false });
  return new Promise((resolve, reject) => {
    const sent = request({ host, port, agent, family: 4 }, (response) =>
      response.resume().on('end', () => resolve(Math.round(performance.now() - startedAt))),
    );
    sent.on('error', reject);
    sent.end();
  });
}

async function timeFile() {
  const startedAt = performance.now();
  await promisify(readFile)(new URL(import.meta.url));
  return Math.round(performance.now() - startedAt);
}

async function counted(host, calls) {
  counter.start();
  for (let i = 0; i < calls; i++) await call(host);
  return counter.stop();
}

serveWorker({
  async start({ identities: { callers, bundle }, port: given }) {
    options = { source: createFixedSource(callers, bundle), authorize: authorizeMemberOf('bench.example') };
    port = given;
    // What is loaded when it is first used is loaded now.
    for (const host of ['127.0.0.1', 'localhost']) await call(host);
  },
  count: async ({ calls }) => ({ ip: await counted('127.0.0.1', calls), name: await counted('localhost', calls) }),
  /** Opening a pipe to read waits, in a thread of the pool, until somebody opens it to write; it takes no CPU meanwhile. */
  async hold({ pipes, ms }) {
    const opening = pipes.map((pipe) => promisify(open)(pipe, constants.O_RDONLY));
    setTimeout(() => {
      const writers = pipes.map((pipe) => openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK));
      void Promise.all(opening).then((readers) => [...readers, ...writers].forEach(closeSync));
    }, ms);
    const [ip, name, file] = await Promise.all([call('127.0.0.1'), call('localhost'), timeFile()]);
    await Promise.all(opening);
    return { ipMs: ip, nameMs: name, fileMs: file };
  },
});
