// 'ephemos/tls': raw TLS, for protocols that are not HTTP.
export { connect, type ConnectOptions } from './tls/raw-connect.ts';
export { listen, type ListenOptions, type TlsListener } from './tls/raw-listen.ts';
export { peerOf } from './tls/peer-of.ts';
