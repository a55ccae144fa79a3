// A target as people write it, on a command line and in a log.
import { EphemosError } from '../errors.ts';
import type { Target } from './target.ts';
import { parseGrpcTarget } from './target-grpc.ts';
import { parseHttpTarget } from './target-http.ts';

/**
 * Parses how people write a target: `GET /orders/7`, or `/orders.v1.Orders/Get` for a gRPC call.
 * @throws {EphemosError} ERR_TARGET_INVALID
 */
export function parseTarget(text: string): Target {
  if (typeof text === 'string' && text.startsWith('/')) return parseGrpcTarget(text);
  const [method, path, ...rest] = typeof text === 'string' ? text.split(' ') : [];
  if (method === undefined || path === undefined || rest.length > 0) {
    throw new EphemosError('ERR_TARGET_INVALID', 'a target is a method and a path with one space between them', {
      hint: 'write it as "GET /orders", or as "/orders.v1.Orders/Get" for gRPC',
    });
  }
  return parseHttpTarget(method, path);
}

/** The text that {@link parseTarget} reads. */
export function formatTarget(target: Target): string {
  return target.protocol === 'http' ? `${target.method} ${target.rawPath}` : `/${target.service}/${target.method}`;
}
