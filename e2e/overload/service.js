// The service under load: small answers, and large ones for clients that do not read them.
import { Readable } from 'node:stream';
import { openService } from '@ephemos/service';

const service = await openService();
const part = Buffer.alloc(64 * 1024);

function* large() {
  for (let parts = 0; parts < 1024; parts++) yield part;
}

service.http((request, response) => {
  if (request.url === '/large') Readable.from(large()).pipe(response);
  else response.end('ok');
});
await service.run();
