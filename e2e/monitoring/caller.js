// A caller of services that does what it is told: a line of JSON on standard input starts or stops a kind of call that it then makes again and again.
import { createInterface } from 'node:readline';
import { Client } from '@grpc/grpc-js';
import { authorizeId, createFetch, openX509Source } from 'ephemos';
import { createChannelCredentials } from 'ephemos/grpc';
import { createEchoClient } from '../spire/echo-grpc.js';

/**
 * @typedef {object} Order
 * @property {string} name
 * @property {'http' | 'grpc' | 'missing'} kind a POST on a connection of its own, a call on a channel that stays, or one of a method that is not there
 * @property {string} to host:port
 * @property {string} peer the SPIFFE ID that the service has to have
 * @property {number} every milliseconds
 * @property {number} [atOnce] how many at a time
 * @property {boolean} [stop] no more of it
 */

/** @type {Map<string, AbortController>} */
const running = new Map();
const source = await openX509Source({ timeout: 60_000 });
process.stdout.write('{"event":"ready"}\n');

/** @param {Order} order */
function callOf({ kind, to, peer }) {
  const options = { source, authorize: authorizeId(peer) };
  if (kind === 'grpc') {
    const { echo } = createEchoClient(to, options);
    return () => echo('hello');
  }
  if (kind === 'missing') {
    const client = new Client(to, createChannelCredentials(options));
    const none = () => Buffer.alloc(0);
    return () =>
      new Promise((resolve) => {
        client.makeUnaryRequest('/ephemos.echo.v1.Echo/Reverse', none, none, {}, { deadline: Date.now() + 5000 }, resolve);
      });
  }
  return async () => {
    const fetch = createFetch(options);
    try {
      const answer = await fetch(`https://${to}/echo`, { method: 'POST', body: 'hello', signal: AbortSignal.timeout(10_000) });
      await answer.text();
    } finally {
      await fetch.close();
    }
  };
}

/** @param {Order} order */
function start(order) {
  const stop = new AbortController();
  running.set(order.name, stop);
  const call = callOf(order);
  const again = async () => {
    while (!stop.signal.aborted) {
      // A call that fails is what some of the drills are about.
      await call().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, order.every));
    }
  };
  for (let each = 0; each < (order.atOnce ?? 1); each += 1) void again();
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line === '') continue;
  /** @type {Order} */
  const order = JSON.parse(line);
  running.get(order.name)?.abort();
  if (order.stop !== true) start(order);
}
process.exit(0);
