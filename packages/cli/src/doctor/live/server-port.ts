// The port of spire-server that agents dial: an address in; whether somebody speaks TLS there, with whose certificate and dates, out.
// Nothing is sent and nobody is trusted: what is read here says only why a real agent would fail.
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { isEphemosError } from 'ephemos/errors';
import { SpiffeId } from 'ephemos/spiffe';
import { explainConnectFailure } from '../../explain-connect-failure.ts';
import { type Address, formatAddress } from '../../input/address.ts';
import { summarize } from '../../output/certificate.ts';

/** What came of dialling. */
export interface ServerReading {
  readonly address: string;
  /** False when there is not even a connection. */
  readonly reached: boolean;
  /** Why there is no certificate to look at. */
  readonly failure: string | undefined;
  readonly hint: string | undefined;
  /** The SPIFFE ID of the certificate, as it claims. */
  readonly id: SpiffeId | undefined;
  /** Milliseconds since 1970. */
  readonly notBefore: number | undefined;
  readonly notAfter: number | undefined;
}

/** Dials once. */
export function readServerPort(address: Address, timeout: number): Promise<ServerReading> {
  const name = formatAddress(address);
  const nothing = { address: name, hint: undefined, id: undefined, notBefore: undefined, notAfter: undefined };
  return new Promise((resolve) => {
    let reached = false;
    const socket = connect({
      ...address,
      ...(isIP(address.host) === 0 ? { servername: address.host } : {}),
      ALPNProtocols: ['h2'],
      // The certificate is looked at, whoever it is from.
      rejectUnauthorized: false,
    });
    const settle = (reading: ServerReading): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(reading);
    };
    const timer = setTimeout(() => {
      const failure = `${name} ${reached ? 'takes the connection and does not speak' : 'does not answer'} within ${timeout / 1000} s`;
      settle({ ...nothing, reached, failure });
    }, timeout);
    socket.once('connect', () => {
      reached = true;
    });
    socket.once('secureConnect', () => {
      const leaf = socket.getPeerX509Certificate();
      if (leaf === undefined) return settle({ ...nothing, reached, failure: `${name} presents no certificate` });
      const { uris, notBefore, notAfter } = summarize(leaf.raw);
      settle({ ...nothing, reached, failure: undefined, id: idOf(uris), notBefore, notAfter });
    });
    socket.once('error', (error: Error) => {
      const explained = explainConnectFailure(error, name);
      const [message, hint] = isEphemosError(explained) ? [explained.message, explained.hint] : [error.message, undefined];
      settle({ ...nothing, reached, failure: message, hint });
    });
    socket.once('close', () => settle({ ...nothing, reached, failure: `${name} closed the connection during the handshake` }));
  });
}

function idOf(uris: readonly string[] = []): SpiffeId | undefined {
  const [uri] = uris;
  if (uri === undefined) return undefined;
  try {
    return SpiffeId.parse(uri);
  } catch (error) {
    if (isEphemosError(error)) return undefined;
    throw error;
  }
}
