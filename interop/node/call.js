// Sends one message to an echo server over HTTP, raw TLS or gRPC.
import { createFetch } from 'ephemos';
import { connect } from 'ephemos/tls';
import { createEchoClient } from '../../e2e/spire/echo-grpc.js';

/**
 * @param {import('ephemos').ClientOptions & { protocol: string, server: string, message: string }} options
 * @returns {Promise<{ message: string, caller: string }>}
 */
export async function call({ protocol, server, message, ...options }) {
  switch (protocol) {
    case 'http':
      return callHttp(options, server, message);
    case 'tls':
      return callTls(options, server, message);
    case 'grpc':
      return createEchoClient(server, options).echo(message);
    default:
      throw new Error(`-protocol ${protocol}: http, tls or grpc?`);
  }
}

/**
 * @param {import('ephemos').ClientOptions} options
 * @param {string} server
 * @param {string} message
 * @returns {Promise<{ message: string, caller: string }>}
 */
async function callHttp(options, server, message) {
  const fetch = createFetch(options);
  const response = await fetch(`https://${server}/echo`, { method: 'POST', body: message });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return JSON.parse(await response.text());
}

/**
 * @param {import('ephemos').ClientOptions} options
 * @param {string} server
 * @param {string} message
 * @returns {Promise<{ message: string, caller: string }>}
 */
async function callTls(options, server, message) {
  const { hostname, port } = new URL(`tls://${server}`);
  const socket = await connect({ ...options, host: hostname, port: Number(port) });
  socket.write(`${message}\n`);
  let text = '';
  socket.setEncoding('utf8');
  // To the end of the stream: the server closes in order after its answer, and that is no error.
  for await (const part of socket) text += part;
  return JSON.parse(text);
}
