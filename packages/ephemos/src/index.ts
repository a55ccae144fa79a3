// 'ephemos': what most services need. The other entry points hold the rest.
export {
  type Authorizer,
  allOf,
  anyOf,
  authorizeAny,
  authorizeId,
  authorizeMemberOf,
  authorizeOneOf,
  authorizePath,
  not,
} from './authorize/authorizer.ts';
export { EphemosError, type ErrorCode, isEphemosError } from './errors.ts';
export { createAgent, type EphemosAgent, type EphemosAgentOptions } from './http/agent.ts';
export { createFetch, type EphemosFetch } from './http/fetch.ts';
export { createServer, type EphemosServer } from './http/server.ts';
export { openX509Source } from './source/open-x509-source.ts';
export type {
  X509ContextStream,
  X509Source,
  X509SourceHealth,
  X509SourceOptions,
} from './source/x509-source.ts';
export type { Peer } from './spiffe/peer.ts';
export { SpiffeId } from './spiffe/spiffe-id.ts';
export { TrustDomain } from './spiffe/trust-domain.ts';
export type { ClientOptions } from './tls/connect.ts';
export { type PeerCarrier, peerOf } from './tls/peer-of.ts';
export type { ServerOptions } from './tls/terminate.ts';
