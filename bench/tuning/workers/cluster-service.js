// The same service in so many processes of node:cluster; with one, without a cluster.
import cluster from 'node:cluster';
import { openService } from '@ephemos/service';

const workers = Number(process.argv[2]);
if (cluster.isPrimary && workers > 1) {
  // A name of its own in the metrics of each, and one identity.
  for (let i = 0; i < workers; i++) cluster.fork({ EPHEMOS_SERVICE_NAME: `server-${i}` });
  process.on('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers ?? {})) worker?.kill('SIGTERM');
  });
} else {
  const service = await openService();
  await service.http((_request, response) => response.end('x')).run();
}
