// What every server takes for its requests, and what of it can be checked before it listens.
import { EphemosError } from '../errors.ts';
import { checkMilliseconds } from '../tls/gate-options.ts';
import type { ServerOptions } from '../tls/terminate.ts';
import type { Intercept } from './served-request.ts';

/** Options of requests, all optional. */
export interface RequestOptions {
  /** Runs around every admitted request: for metrics, traces and the like. */
  readonly intercept?: Intercept | undefined;
  /**
   * Whether the async context that `intercept` calls `next` in, such as a span, is that of every event of the request; default true. False saves
   * some 10 us a request where there is no such context.
   */
  readonly keepContext?: boolean | undefined;
  /** Longest body of an HTTP request, in bytes; a longer one is answered with 413. No limit by default: frameworks have their own. */
  readonly maxBodyBytes?: number | undefined;
  /** After so many requests the client is asked to connect again. No limit by default. */
  readonly maxRequestsPerConnection?: number | undefined;
  /** How long a client may take none of an answer that waits for it, in milliseconds, before it is cut off. Any time by default. */
  readonly stallTimeout?: number | undefined;
  /** Longest header of a request, in bytes; Node's own default is 16,384 for HTTP/1 and 65,535 for HTTP/2. */
  readonly maxHeaderBytes?: number | undefined;
}

/** What servers of requests take. */
export interface RequestServerOptions extends ServerOptions, RequestOptions {}

/** @throws {EphemosError} ERR_OPTION_INVALID */
export function checkRequestOptions({ intercept, stallTimeout, ...counts }: RequestOptions): void {
  const { maxBodyBytes, maxRequestsPerConnection, maxHeaderBytes } = counts;
  if (intercept !== undefined && typeof intercept !== 'function')
    throw new EphemosError('ERR_OPTION_INVALID', 'intercept must be a function');
  const least = {
    maxBodyBytes: [maxBodyBytes, 0],
    maxRequestsPerConnection: [maxRequestsPerConnection, 1],
    maxHeaderBytes: [maxHeaderBytes, 1],
  } as const;
  for (const [name, [value, from]] of Object.entries(least)) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= from)) continue;
    throw new EphemosError('ERR_OPTION_INVALID', `${name} must be a whole number of at least ${from}`);
  }
  checkMilliseconds({ stallTimeout }, 1);
}
