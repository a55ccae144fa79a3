// gRPC and HTTP on one port, behind mTLS, until SIGTERM; probes, metrics and logs around it.
import { openService } from '@ephemos/service';
import { Server } from '@grpc/grpc-js';
import { echoCalls, echoRequests, echoService } from './echo.ts';

/** Serves until it is told to end. */
export async function serve(): Promise<void> {
  const service = await openService({ routeOf: ({ path }) => (path === '/echo' ? path : undefined) });
  const server = new Server(service.grpcOptions);
  server.addService(echoService, echoCalls);
  await service.grpc(server).http(echoRequests).run();
}
