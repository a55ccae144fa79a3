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
export { type Explanation, explainDecision, formatExplanation, type Mismatch, type NearRule } from './authorize/explain.ts';
export { checkPolicy, createPolicyAuthorizer, type Decision, type DecisionReason, type Policy, parsePolicy } from './authorize/policy.ts';
export type { PolicyProblem } from './authorize/policy-problem.ts';
export type { Rule } from './authorize/rule.ts';
export type { GrpcTarget, HttpTarget, Target } from './authorize/target.ts';
export { parseGrpcTarget } from './authorize/target-grpc.ts';
export { parseHttpTarget } from './authorize/target-http.ts';
export { parseRequestTarget, type RequestHead } from './authorize/target-request.ts';
export { formatTarget, parseTarget } from './authorize/target-text.ts';
export { EphemosError, type ErrorCode, isEphemosError } from './errors.ts';
export { createAgent, type EphemosAgent, type EphemosAgentOptions } from './http/agent.ts';
export { createFetch, type EphemosFetch } from './http/fetch.ts';
export type { RequestOptions, RequestServerOptions } from './http/request-options.ts';
export type { Intercept, RequestEnd, ServedRequest } from './http/served-request.ts';
export { createServer, type EphemosServer } from './http/server.ts';
export type { ChannelMessages, ChannelName } from './observe/channels.ts';
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
export type { ConnectionLimits } from './tls/admission.ts';
export type { ClientOptions } from './tls/connect.ts';
export type { Drainable } from './tls/drain.ts';
export { onDrain, type PeerCarrier, peerOf } from './tls/peer-of.ts';
export type { ServerOptions } from './tls/terminate.ts';
