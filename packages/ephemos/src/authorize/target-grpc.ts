// The :path of a gRPC call in, its service and method out.
import { EphemosError } from '../errors.ts';
import type { GrpcTarget } from './target.ts';
import { MAX_TARGET_BYTES } from './target-http.ts';

/** A full name of a protobuf service. */
export const GRPC_SERVICE: RegExp = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;
/** A name of a protobuf method. */
export const GRPC_METHOD: RegExp = /^[A-Za-z_]\w*$/;

/**
 * Parses the path of a gRPC call, `/package.Service/Method`. Case counts, and nothing is decoded: gRPC servers look the whole path up.
 * @throws {EphemosError} ERR_TARGET_INVALID
 */
export function parseGrpcTarget(path: string): GrpcTarget {
  if (typeof path !== 'string') throw invalid('the path of a gRPC call must be a string');
  if (path.length > MAX_TARGET_BYTES) throw invalid(`the path of a gRPC call is at most ${MAX_TARGET_BYTES} bytes`);
  const slash = path.indexOf('/', 1);
  const service = path.slice(1, slash);
  const method = path.slice(slash + 1);
  if (!path.startsWith('/') || slash === -1 || !GRPC_SERVICE.test(service) || !GRPC_METHOD.test(method)) {
    throw invalid('the path of a gRPC call is "/", the full name of a service, "/" and the name of a method');
  }
  return Object.freeze({ protocol: 'grpc', service, method });
}

function invalid(message: string): EphemosError {
  return new EphemosError('ERR_TARGET_INVALID', message, { hint: 'write it as "/orders.v1.Orders/Get"' });
}
