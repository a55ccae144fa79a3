// 'ephemos/workload-api': the raw client, for tools, and the protocol's generated types, for servers.

export {
  createWorkloadApiClient,
  type WatchEvent,
  type WorkloadApiCallOptions,
  type WorkloadApiClient,
  type WorkloadApiClientOptions,
} from './workload-api/client.ts';
export { type Endpoint, formatEndpoint, parseEndpoint, resolveEndpoint } from './workload-api/endpoint.ts';
export {
  SpiffeWorkloadAPI,
  type X509BundlesRequest,
  type X509BundlesResponse,
  X509BundlesResponseSchema,
  type X509SVID,
  type X509SVIDRequest,
  type X509SVIDResponse,
  X509SVIDResponseSchema,
  X509SVIDSchema,
} from './workload-api/workload_pb.ts';
export { parseX509Bundles, parseX509Context, sameX509Context, type X509Context } from './workload-api/x509-context.ts';
