// A workload of the trust domain that answers where its SPIRE server was meant to be. Prints its address.
import { authorizeAny, openX509Source } from 'ephemos';
import { createHttp2Server } from 'ephemos/http2';

const source = await openX509Source();
const server = createHttp2Server({ source, authorize: authorizeAny() }, (_request, response) => response.end('come in'));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') process.stdout.write(`127.0.0.1:${address.port}\n`);
});
