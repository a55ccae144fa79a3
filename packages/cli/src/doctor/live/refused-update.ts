// An update that the library refuses whole, looked at once more without its rules: only to tell whether it is the bundle that is missing.
import { connect } from 'node:net';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { type Endpoint, SpiffeWorkloadAPI } from 'ephemos/workload-api';

/** Largest update that is looked at, in bytes. */
const MAX_BYTES: number = 4 * 2 ** 20;

/** Whether the agent sends an SVID without the bundle that belongs to it. */
export async function isBundleMissing(endpoint: Endpoint, timeout: number): Promise<boolean> {
  const createConnection = () => (endpoint.scheme === 'unix' ? connect(endpoint.path) : connect(endpoint.port, endpoint.host));
  const sessionManager = new Http2SessionManager('http://localhost', {}, { createConnection });
  const transport = createGrpcTransport({ baseUrl: 'http://localhost', sessionManager, readMaxBytes: MAX_BYTES });
  const stop = new AbortController();
  const call = { signal: AbortSignal.any([stop.signal, AbortSignal.timeout(timeout)]), headers: { 'workload.spiffe.io': 'true' } };
  try {
    for await (const { svids } of createClient(SpiffeWorkloadAPI, transport).fetchX509SVID({}, call)) {
      return svids.some(({ x509Svid, bundle }) => x509Svid.length > 0 && bundle.length === 0);
    }
    return false;
  } catch {
    // What is no message at all has no bundle to miss.
    return false;
  } finally {
    stop.abort();
    sessionManager.abort();
  }
}
