// Those who should not get in: a raw TLS connection with any certificate, or none, that asks for an echo.
import { once } from 'node:events';
import { connect } from 'node:tls';

/**
 * Resolves with what the server answered: nothing, when it closed the connection.
 * @param {string} address host:port
 * @param {import('@ephemos/dev').IssuedSvid} [svid] what to show
 * @returns {Promise<string>}
 */
export async function knock(address, svid) {
  const { hostname, port } = new URL(`tls://${address}`);
  const identity =
    svid === undefined
      ? {}
      : { cert: svid.chain.map((der) => toPem('CERTIFICATE', der)).join(''), key: toPem('PRIVATE KEY', svid.privateKey) };
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['http/1.1'], ...identity });
  let answer = '';
  socket.setEncoding('utf8').on('data', (text) => {
    answer += text;
  });
  // A server that refuses resets the connection.
  socket.on('error', () => undefined);
  socket.write('GET /echo?message=let-me-in HTTP/1.1\r\nhost: echo\r\nconnection: close\r\n\r\n');
  await once(socket, 'close');
  return answer;
}

/**
 * @param {string} label
 * @param {Uint8Array} der
 */
function toPem(label, der) {
  return `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64')}\n-----END ${label}-----\n`;
}
