// A load client on a real source: gRPC calls, and POSTs that wait on idle connections in between.
import { request } from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from '@grpc/grpc-js';
import { authorizeMemberOf, createAgent, createFetch, openX509Source } from 'ephemos';
import { createChannelCredentials } from 'ephemos/grpc';
import { echoDefinition } from '../lib/echo.js';
import { serveWorker } from '../lib/worker.js';

let calls;

function post(agent, port) {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, agent, method: 'POST', path: '/' }, (response) => {
      response.resume();
      response.on('end', resolve);
    });
    sent.on('error', reject);
    sent.end('hello');
  });
}

serveWorker({
  async start({ endpoint, port }) {
    const options = { source: await openX509Source({ endpoint }), authorize: authorizeMemberOf('bench.example') };
    const agent = createAgent(options);
    const fetch = createFetch(options);
    const client = new Client(`127.0.0.1:${port}`, createChannelCredentials(options));
    const { path, requestSerialize, responseDeserialize } = echoDefinition.echo;
    calls = [
      () => post(agent, port),
      async () => (await fetch(`https://127.0.0.1:${port}/`, { method: 'POST', body: 'hello' })).text(),
      () =>
        new Promise((resolve, reject) =>
          client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { message: 'hello' }, (error) =>
            error ? reject(error) : resolve(),
          ),
        ),
    ];
  },
  async run({ seconds }) {
    const until = performance.now() + seconds * 1000;
    const failures = [];
    let done = 0;
    await Promise.all(
      Array.from({ length: 24 }, async (_, index) => {
        while (performance.now() < until) {
          try {
            await calls[index % calls.length]();
            done += 1;
          } catch (error) {
            failures.push(String(error?.cause?.message ?? error?.message));
          }
          // Half of the callers press on; the others come back on a connection that has been idle.
          await wait(index < 12 ? 2 : Math.random() * 3000);
        }
      }),
    );
    return { done, failures };
  },
});
