// The echo: what proto/ephemos/echo/v1/echo.proto describes, answered over gRPC and, as JSON, over HTTP.
import type { IncomingMessage, RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { loadSync, type MethodDefinition } from '@grpc/proto-loader';
import { peerOf } from 'ephemos';

/** The answer: what was said, and who said it as the server knows it. */
export interface EchoReply {
  readonly message: string;
  /** The SPIFFE ID of the caller, from its certificate. */
  readonly caller: string;
}

/** The gRPC service. */
export const echoService: { readonly Echo: MethodDefinition<object, object> } = loadService();

/** Answers its calls. */
export const echoCalls = {
  Echo(call: ServerUnaryCall<{ readonly message: string }, EchoReply>, done: sendUnaryData<EchoReply>): void {
    done(null, { message: call.request.message, caller: String(peerOf(call).id) });
  },
};

/** Answers GET /echo?message=... and POST /echo. */
export const echoRequests: RequestListener = (request, response) => {
  answer(request).then(
    ([status, body]) => {
      response.writeHead(status, { 'content-type': 'application/json', ...(status === 405 && { allow: 'GET, POST' }) });
      response.end(JSON.stringify(body));
    },
    // The request ended before its body did: there is nobody left to answer.
    () => response.destroy(),
  );
};

async function answer(request: IncomingMessage): Promise<[status: number, body: EchoReply | { readonly error: string }]> {
  const [path, query] = (request.url ?? '').split('?', 2);
  if (path !== '/echo') return [404, { error: 'there is only /echo here' }];
  const caller = String(peerOf(request).id);
  if (request.method === 'GET') return [200, { message: new URLSearchParams(query).get('message') ?? '', caller }];
  if (request.method === 'POST') return [200, { message: await text(request), caller }];
  return [405, { error: 'GET or POST' }];
}

function loadService(): typeof echoService {
  const file = fileURLToPath(new URL('../proto/ephemos/echo/v1/echo.proto', import.meta.url));
  const service = loadSync(file, { defaults: true })['ephemos.echo.v1.Echo'];
  const method = service === undefined || 'format' in service ? undefined : service['Echo'];
  if (method === undefined) throw new Error(`${file} does not define ephemos.echo.v1.Echo`);
  return { Echo: method };
}
