// Answers every RPC that the agent does not offer (JWT and WIT profiles) as gRPC asks: headers and trailers in one.
import { Code } from '@connectrpc/connect';

/** What HTTP/1 and HTTP/2 requests of Node.js have in common. */
interface RequestHead {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  resume(): unknown;
}

/** What HTTP/1 and HTTP/2 responses of Node.js have in common. */
interface ResponseHead {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(): unknown;
}

/** Unimplemented; InvalidArgument first when the security header is missing, in the order SPIRE checks. */
export function answerUnimplemented(request: RequestHead, response: ResponseHead): void {
  const safe = request.headers['workload.spiffe.io'] === 'true';
  response.statusCode = 200;
  response.setHeader('content-type', 'application/grpc');
  response.setHeader('grpc-status', String(safe ? Code.Unimplemented : Code.InvalidArgument));
  response.setHeader('grpc-message', safe ? 'this agent offers the X.509 profile only' : 'security header missing from request');
  request.resume();
  response.end();
}
