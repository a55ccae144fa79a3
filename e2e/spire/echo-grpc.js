// The Echo service of the echo example over gRPC: its definition for servers, and a client on our credentials.
import { fileURLToPath } from 'node:url';
import { loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { channelOptions, createChannelCredentials } from 'ephemos/grpc';

const proto = fileURLToPath(new URL('../../examples/echo/proto/ephemos/echo/v1/echo.proto', import.meta.url));
const callTimeout = 10_000;

/** @typedef {{ message: string, caller: string }} EchoReply */

const Echo = findClient(loadPackageDefinition(loadSync(proto)), ['ephemos', 'echo', 'v1', 'Echo']);

/** The definition that a server implements. */
export const echoService = Echo.service;

/**
 * @param {import('@grpc/grpc-js').GrpcObject} definitions
 * @param {readonly string[]} path
 */
function findClient(definitions, path) {
  /** @type {import('@grpc/grpc-js').GrpcObject[string] | undefined} */
  let at = definitions;
  for (const name of path) at = typeof at === 'object' && !('format' in at) ? at[name] : undefined;
  if (typeof at !== 'function') throw new Error(`${proto} has no service ${path.join('.')}`);
  return at;
}

/**
 * @param {string} server host:port
 * @param {import('ephemos').ClientOptions} options
 * @returns {{ echo: (message: string) => Promise<EchoReply> }}
 */
export function createEchoClient(server, options) {
  const client = new Echo(server, createChannelCredentials(options), channelOptions);
  const call = client['Echo']?.bind(client);
  if (call === undefined) throw new Error(`${proto} has no method Echo`);
  return {
    echo: (message) =>
      new Promise((resolve, reject) => {
        /** @type {(error: Error | null, reply: EchoReply) => void} */
        const done = (error, reply) => (error === null ? resolve(reply) : reject(error));
        call({ message }, { deadline: Date.now() + callTimeout }, done);
      }),
  };
}
