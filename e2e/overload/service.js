// The service under load: small answers, and large ones for clients that do not read them.
import { openService } from '@ephemos/service';

const service = await openService();
const large = Buffer.alloc(8 * 1024 * 1024);
service.http((request, response) => {
  response.end(request.url === '/large' ? large : 'ok');
});
await service.run();
