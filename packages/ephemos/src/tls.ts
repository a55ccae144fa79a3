// 'ephemos/tls': raw TLS, for protocols that are not HTTP.

export { type InspectOptions, inspectUnadmittedPeer, type PeerInspection } from './tls/inspect.ts';
export { networkOf, plainAddress } from './tls/network.ts';
export { onDrain, peerOf } from './tls/peer-of.ts';
export { type ConnectOptions, connect } from './tls/raw-connect.ts';
export { type ListenOptions, listen, type TlsListener } from './tls/raw-listen.ts';
