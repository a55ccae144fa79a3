// A server and an address of the configuration in; the address that it listens at out, or the key that has to change.
import { once } from 'node:events';
import type { Server } from 'node:net';
import { EphemosError } from 'ephemos/errors';
import { type Address, formatAddress } from '../config/address.ts';

/** What is listened for. */
export interface ListenPurpose {
  /** What cannot be done without it, such as `the probes cannot be answered`. */
  readonly failure: string;
  /** The key of the address, such as `health.address`. */
  readonly key: string;
}

/**
 * Listens. The port is the one that the system chose where the address leaves it to the system.
 * @throws {EphemosError} ERR_LISTEN_FAILED
 */
export async function listenAt(server: Server, { host, port }: Address, { failure, key }: ListenPurpose): Promise<Address> {
  try {
    server.listen({ port, ...(host === undefined ? {} : { host }) });
    await once(server, 'listening');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EphemosError('ERR_LISTEN_FAILED', `${failure}: ${reason}`, {
      hint: `change ${key} in the configuration, or end what listens at ${formatAddress({ host, port })}`,
      cause,
    });
  }
  const bound = server.address();
  return Object.freeze({ host, port: typeof bound === 'object' && bound !== null ? bound.port : port });
}
