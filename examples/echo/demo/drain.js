// SIGTERM while calls go on: the server says that it is not ready, its callers go elsewhere, and every call that it was sent is answered.
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { request } from 'node:https';
import { setTimeout } from 'node:timers/promises';
import { authorizeId, createAgent } from 'ephemos';
import { inTime } from './in-time.js';
import { startLoad } from './load.js';
import { says } from './program.js';

const enoughCalls = 300;
/** Milliseconds; less than the drain delay of the server. */
const lookEvery = 250;

/**
 * @param {import('./screen.js').Screen} screen
 * @param {{ source: import('ephemos').X509Source, server: import('./program.js').Program, address: string, health: string, expected: string }} target
 */
export async function drainUnderLoad(screen, { source, server, address, health, expected }) {
  await screen.step('SIGTERM under load', async (show) => {
    const options = { source, authorize: authorizeId(expected) };
    const load = startLoad({ ...options, server: address, timeout: 10_000 });
    const total = () => load.counts.grpc + load.counts.http;
    await inTime(
      until(async () => total() > enoughCalls),
      'the load did not come up',
    );
    const late = await inTime(beginPost(address, options), 'the server did not ask for the body of a POST');

    const [before, began] = [total(), performance.now()];
    server.kill('SIGTERM');
    // What a load balancer does: it looks at the probe now and then, and sends nothing more to a server that is not ready.
    const isUnready = async () => (await fetch(`http://${health}/readyz`)).status === 503;
    await setTimeout(lookEvery);
    await inTime(until(isUnready, lookEvery), 'the server stayed ready after SIGTERM');
    await load.stop();
    await inTime(server.line(says('draining'), 'draining'), 'the server did not drain');
    assert.equal(await inTime(late.finish(), 'the call under way was not answered'), 200, 'the call under way was not answered');
    const { code, stderr } = await inTime(server.exited, 'the server did not end');
    assert.equal(code, 0, `the server ended with ${code}: ${stderr}`);
    assert.equal(load.counts.failed, 0, `a call failed while the server drained: ${load.failure()}`);
    assert.equal(server.lines(says('shut down'))[0]?.['clean'], true, 'the server had to cut a call off');
    const answered = total() - before + 1;
    show(`SIGTERM under load: not ready, then drained, exit 0; ${answered} calls answered after it`);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    screen.note('SIGTERM under load', '0 failed', `${answered} calls answered after it; exit 0 after ${seconds} s`);
  });
}

/**
 * A POST whose body waits.
 * @param {string} address
 * @param {import('ephemos').ClientOptions} options
 */
async function beginPost(address, options) {
  const agent = createAgent(options);
  const post = request(`https://${address}/echo`, { method: 'POST', agent, headers: { expect: '100-continue' } });
  post.flushHeaders();
  await once(post, 'continue');
  return {
    /** @returns {Promise<number | undefined>} the status */
    async finish() {
      const responses = once(post, 'response');
      post.end('late');
      const [response] = await responses;
      await once(response.resume(), 'end');
      agent.destroy();
      return response.statusCode;
    },
  };
}

/**
 * @param {() => Promise<boolean>} test
 * @param {number} [every] milliseconds
 */
async function until(test, every = 20) {
  while (!(await test())) await setTimeout(every);
}
