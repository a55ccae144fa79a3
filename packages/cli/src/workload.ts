// This process as a workload: an endpoint in, its identities and bundles once, or the reason why there are none. Asks once and does not retry.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EphemosError, isEphemosError } from 'ephemos/errors';
import type { Endpoint, WorkloadApiClient, X509Context } from 'ephemos/workload-api';
import { span } from './output/time.ts';

/** What the Workload API said. */
export interface Workload {
  readonly endpoint: string;
  readonly context: X509Context;
}

/**
 * Makes a client of the endpoint that was given, else of SPIFFE_ENDPOINT_SOCKET.
 * @throws {EphemosError} ERR_ENDPOINT_MISSING, ERR_ENDPOINT_INVALID
 */
export async function openClient(endpoint: string | undefined): Promise<WorkloadApiClient> {
  const { createWorkloadApiClient } = await import('ephemos/workload-api');
  return createWorkloadApiClient({ endpoint });
}

/**
 * Fetches the X.509 context of this process.
 * @throws {EphemosError} ERR_ENDPOINT_*, ERR_WORKLOAD_API_*
 */
export async function fetchWorkload(endpoint: string | undefined, timeout: number): Promise<Workload> {
  await using client = await openClient(endpoint);
  const { formatEndpoint } = await import('ephemos/workload-api');
  const address = formatEndpoint(client.endpoint);
  const signal = AbortSignal.timeout(timeout);
  try {
    return { endpoint: address, context: await client.fetchX509Context({ signal }) };
  } catch (error) {
    if (!signal.aborted) throw isEphemosError(error) ? explainRefusal(error, client.endpoint) : error;
    throw new EphemosError('ERR_WORKLOAD_API_UNAVAILABLE', `the Workload API at ${address} did not answer within ${span(timeout)}`, {
      hint: 'the agent accepts connections but hangs; see its log, or give it longer with --timeout',
    });
  }
}

/** Mends the hint of a refusal by the development agent, which has no registration entries to create. */
export function explainRefusal(error: EphemosError, endpoint: Endpoint): EphemosError {
  if (error.code !== 'ERR_WORKLOAD_API_PERMISSION_DENIED' || !isDevAgent(endpoint)) return error;
  return new EphemosError(error.code, error.message, {
    hint: 'a development agent answers there and has no identity for this socket: see "ephemos dev list", then "ephemos dev restore <id>"',
    cause: error,
  });
}

function isDevAgent(endpoint: Endpoint): boolean {
  return endpoint.scheme === 'unix' && existsSync(join(dirname(endpoint.path), 'control.sock'));
}
