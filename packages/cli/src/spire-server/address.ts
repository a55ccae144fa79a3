// Where SPIRE's server is asked: a flag or a variable in, the admin socket or a host and port to dial out. No well-known place is guessed.
import { InvalidArgumentError } from 'commander';
import { CommandError } from '../command-error.ts';
import type { Context } from '../context.ts';
import { formatAddress, parseAddress } from '../input/address.ts';
import { exitCodes } from '../output/exit-code.ts';

/** The variable that names the server when the flag does not. */
export const SERVER_VARIABLE = 'SPIRE_SERVER_ADDRESS';
// `sun_path` holds 108 bytes on Linux and 104 on macOS, both with a closing NUL.
const MAX_SOCKET_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/** The admin socket, or an address that takes admin SVIDs over mTLS. */
export type ServerAddress =
  | { readonly scheme: 'unix'; readonly path: string }
  | { readonly scheme: 'tls'; readonly host: string; readonly port: number };

/**
 * The address that was given, else the one in SPIRE_SERVER_ADDRESS.
 * @throws {CommandError} ERR_SERVER_ADDRESS_MISSING, ERR_SERVER_ADDRESS_INVALID
 */
export function resolveServer(given: string | undefined, env: Context['env']): ServerAddress {
  if (given !== undefined) return parseServer(given, '--server');
  const text = env[SERVER_VARIABLE];
  if (text !== undefined && text !== '') return parseServer(text, SERVER_VARIABLE);
  throw new CommandError('ERR_SERVER_ADDRESS_MISSING', 'nothing says where the SPIRE server is', {
    exitCode: exitCodes.config,
    hint: `give --server or set ${SERVER_VARIABLE}: unix:///path of its admin socket, or host:port to come with an admin SVID`,
  });
}

/** The address as text. */
export function formatServer(address: ServerAddress): string {
  return address.scheme === 'unix' ? `unix://${address.path}` : formatAddress(address);
}

function parseServer(text: string, from: string): ServerAddress {
  if (text.startsWith('/')) throw invalid(text, from, 'has no scheme', `write unix://${text}`);
  if (!/^unix:/i.test(text)) return { scheme: 'tls', ...parseHost(text, from) };
  const [, path = ''] = /^unix:(?:\/\/)?(\/(?!\/)[^\p{Cc}]*)$/iu.exec(text) ?? [];
  if (path === '' || path === '/') throw invalid(text, from, 'has no absolute path', 'write unix:///absolute/path');
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES)
    throw invalid(text, from, `has a path of more than ${MAX_SOCKET_PATH_BYTES} bytes, which this operating system does not take`);
  return { scheme: 'unix', path };
}

function parseHost(text: string, from: string): { readonly host: string; readonly port: number } {
  try {
    return parseAddress(text);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw invalid(
      text,
      from,
      'is neither a socket nor a host and a port',
      'write unix:///path of the admin socket, or host:port such as spire-server:8081',
    );
  }
}

function invalid(text: string, from: string, what: string, hint?: string): CommandError {
  return new CommandError('ERR_SERVER_ADDRESS_INVALID', `the server address ${JSON.stringify(text.slice(0, 200))} of ${from} ${what}`, {
    exitCode: exitCodes.config,
    ...(hint === undefined ? {} : { hint }),
  });
}
