// 'ephemos/http2': HTTP/2 server and client on node:http2.
export { createHttp2Client, type Http2Client, type Http2ClientOptions } from './http/http2-client.ts';
export { createHttp2Server, type EphemosHttp2Server, type Http2ServerOptions } from './http/http2-server.ts';
export type { KeepaliveOptions } from './http/session-keepalive.ts';
export { onDrain, peerOf } from './tls/peer-of.ts';
