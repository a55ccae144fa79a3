// An echo server that speaks HTTP/2 on a listener of its own, since h2 on the port of the echo pair is gRPC. Prints one JSON object per event:
// listening, and svid whenever its SVID was renewed.
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { authorizeId, openX509Source } from 'ephemos';
import { createHttp2Server, peerOf } from 'ephemos/http2';

const { values } = parseArgs({ options: { peer: { type: 'string', default: '' } } });
/** @param {object} event */
const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

const source = await openX509Source();
const server = createHttp2Server({ source, authorize: authorizeId(values.peer) }, async (request, response) => {
  // A request that ends before its body does has nobody left to answer.
  const message = await text(request).catch(() => undefined);
  if (message === undefined) return response.stream?.close();
  response.end(JSON.stringify({ message, caller: String(peerOf(request).id) }));
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no address');
  say({ event: 'listening', address: `127.0.0.1:${address.port}` });
});
void watchIdentity();

async function watchIdentity() {
  let last = '';
  for await (const { svids } of source.updates()) {
    const leaf = svids[0]?.chain[0];
    const next = leaf === undefined ? '' : Buffer.from(leaf).toString('base64');
    if (next === last) continue;
    last = next;
    if (next !== '') say({ event: 'svid' });
  }
}
