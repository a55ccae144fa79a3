// An HTTP server behind the gate that says what it starts in the thread pool.
import { authorizeMemberOf, createServer } from 'ephemos';
import { createFixedSource } from '../../lib/identities.js';
import { serveWorker } from '../../lib/worker.js';
import { createPoolCounter } from './pool-counter.js';

const counter = createPoolCounter();

serveWorker({
  async start({ identities: { server, bundle } }) {
    const options = { source: createFixedSource([server], bundle), authorize: authorizeMemberOf('bench.example') };
    const listener = createServer(options, (request, response) => {
      request.resume();
      response.end('x');
    });
    await new Promise((resolve) => listener.listen(0, resolve));
    return listener.address().port;
  },
  count: () => counter.start(),
  counted: () => counter.stop(),
});
