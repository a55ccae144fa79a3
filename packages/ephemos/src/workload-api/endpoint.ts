// Where the Workload API is: an address as text in, something to dial out (SPIFFE_Workload_Endpoint.md section 4).
import { isIP } from 'node:net';
import { EphemosError } from '../errors.ts';

/** Longest unix socket path, in bytes: `sun_path` holds 108 bytes on Linux and 104 on macOS, both with a closing NUL. */
export const MAX_SOCKET_PATH_BYTES: number = process.platform === 'linux' ? 107 : 103;

/** The variable that names the endpoint when the code does not. */
export const ENDPOINT_VARIABLE = 'SPIFFE_ENDPOINT_SOCKET';

/** A Workload API endpoint. */
export type Endpoint =
  | { readonly scheme: 'unix'; readonly path: string }
  | { readonly scheme: 'tcp'; readonly host: string; readonly port: number };

/**
 * The endpoint that was given, else the one in SPIFFE_ENDPOINT_SOCKET. No well-known path is guessed.
 * @throws {EphemosError} ERR_ENDPOINT_MISSING, ERR_ENDPOINT_INVALID
 */
export function resolveEndpoint(given?: string): Endpoint {
  if (given !== undefined) return parseEndpoint(given);
  const text = process.env[ENDPOINT_VARIABLE];
  if (text === undefined || text === '') {
    throw new EphemosError(
      'ERR_ENDPOINT_MISSING',
      `no Workload API endpoint: ${ENDPOINT_VARIABLE} is ${text === '' ? 'empty' : 'not set'}`,
      {
        hint: `set ${ENDPOINT_VARIABLE} to the agent's socket, as in unix:///run/spire/sockets/agent.sock, or run the development agent with "ephemos dev"`,
      },
    );
  }
  return parseEndpoint(text);
}

/**
 * Parses `unix:///absolute/path` or `tcp://<ip>:<port>`.
 * @throws {EphemosError} ERR_ENDPOINT_INVALID
 */
export function parseEndpoint(text: string): Endpoint {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/s.exec(text);
  const [, scheme = '', rest = ''] = match ?? [];
  switch (scheme.toLowerCase()) {
    case 'unix':
      return parseUnix(text, rest);
    case 'tcp':
      return parseTcp(text, rest);
    case '':
      throw invalid(text, 'has no scheme', text.startsWith('/') ? `write unix://${text}` : undefined);
    default:
      throw invalid(text, `has the scheme ${JSON.stringify(scheme)} and may have unix or tcp`);
  }
}

/** The endpoint as text again. */
export function formatEndpoint(endpoint: Endpoint): string {
  // encodeURI leaves what would be read as a query or fragment.
  if (endpoint.scheme === 'unix') return `unix://${encodeURI(endpoint.path).replaceAll('?', '%3F').replaceAll('#', '%23')}`;
  return `tcp://${isIP(endpoint.host) === 6 ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
}

function parseUnix(text: string, rest: string): Endpoint {
  const path = rest.startsWith('//') ? rest.slice(2) : rest;
  if (rest.startsWith('//') && !path.startsWith('/')) {
    throw invalid(text, 'has an authority and a unix socket has none', `write three slashes, as in unix:///${path}`);
  }
  if (!path.startsWith('/')) throw invalid(text, 'has no absolute path', 'write unix:///absolute/path');
  if (/\p{Cc}/u.test(path)) throw invalid(text, 'has a control character', 'look for a line break at its end');
  if (/[?#]/.test(path)) throw invalid(text, 'has a query or a fragment');
  const decoded = decodePath(text, path);
  if (decoded.includes('\0')) throw invalid(text, 'has a NUL in its path');
  if (decoded === '/' || Buffer.byteLength(decoded) > MAX_SOCKET_PATH_BYTES) {
    throw invalid(
      text,
      decoded === '/' ? 'has no path' : `has a path of more than ${MAX_SOCKET_PATH_BYTES} bytes, which this operating system does not take`,
    );
  }
  return { scheme: 'unix', path: decoded };
}

function decodePath(text: string, path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw invalid(text, 'has a "%" that is no percent-encoding');
  }
}

function parseTcp(text: string, rest: string): Endpoint {
  const match = /^\/\/(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(rest);
  const [, six, four] = match ?? [];
  const host = six ?? four ?? '';
  const port = Number(match?.[3] ?? 0);
  if (isIP(host) !== (six === undefined ? 4 : 6) || port < 1 || port > 65_535) {
    throw invalid(text, 'must be an IP address and a port and nothing else', 'write tcp://127.0.0.1:8000 or tcp://[::1]:8000');
  }
  return { scheme: 'tcp', host, port };
}

function invalid(text: string, what: string, hint?: string): EphemosError {
  return new EphemosError('ERR_ENDPOINT_INVALID', `the Workload API endpoint ${JSON.stringify(text.slice(0, 200))} ${what}`, { hint });
}
