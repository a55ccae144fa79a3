// Finished gRPC calls as a histogram: the labels of rpc-metrics in the semantic conventions of OpenTelemetry.
import type { RequestEnd, ServedRequest } from 'ephemos';
import { CALL_BUCKETS, grpcStatusName, isGrpcServerError, isGrpcStatus, OTHER } from '../conventions/calls.ts';
import { createBoundedLabels } from './bounded-labels.ts';
import type { MetricSet, Observe } from './metric-set.ts';

/** Most methods that are told apart; the others are `_OTHER`. */
export const MAX_RPC_METHODS = 100;

const CANCELLED = 1;
const UNKNOWN = 2;
const UNIMPLEMENTED = 12;

/** Adds the metric of gRPC calls. Returns what counts one that has ended. */
export function addRpcMetrics(set: MetricSet): (request: ServedRequest, end: RequestEnd, seconds: number) => void {
  const duration = set.histogram(
    {
      name: 'rpc_server_call_duration_seconds',
      help: 'Duration of gRPC calls that were authorized.',
      labels: ['rpc_system_name', 'rpc_method', 'rpc_status_code', 'error_type'],
    },
    CALL_BUCKETS,
  );
  // By path, so that nothing has to be cut off for every call.
  const methods = createBoundedLabels(MAX_RPC_METHODS, OTHER, (path) => {
    const rpc_method = path === OTHER ? OTHER : path.slice(1);
    const statuses = new Map<number, Observe>();
    return (status: number): Observe => {
      let observe = statuses.get(status);
      if (observe === undefined) {
        const name = grpcStatusName(status);
        const error_type = isGrpcServerError(name) ? name : '';
        observe = duration({ rpc_system_name: 'grpc', rpc_method, rpc_status_code: name, error_type });
        statuses.set(status, observe);
      }
      return observe;
    };
  });

  return ({ path }, end, seconds) => {
    const status = statusOf(end);
    (methods.known(path) ?? (isServed(path, end) ? methods.admit(path) : methods.other))(status)(seconds);
  };
}

// Callers choose paths. Only one that the server knows is answered with anything else than UNIMPLEMENTED, so only that becomes a label.
function isServed(path: string, { grpcStatus }: RequestEnd): boolean {
  return grpcStatus !== undefined && grpcStatus !== UNIMPLEMENTED && path.startsWith('/') && path.lastIndexOf('/') > 1;
}

// A call that was cut off was cancelled, mostly by its caller; one that ended without a status was not answered as gRPC asks for.
function statusOf({ grpcStatus, aborted }: RequestEnd): number {
  if (grpcStatus === undefined) return aborted ? CANCELLED : UNKNOWN;
  return isGrpcStatus(grpcStatus) ? grpcStatus : UNKNOWN;
}
