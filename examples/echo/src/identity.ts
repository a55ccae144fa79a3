// The identity of this process: its configuration in, an open X509Source out.
import { openX509Source, type X509Source, type X509SourceOptions } from 'ephemos';
import { EphemosError } from 'ephemos/errors';
import type { EchoConfig } from './config.ts';
import { ConfigError } from './config-file.ts';

/**
 * Waits for the SVID that the configuration names. SPIFFE_ENDPOINT_SOCKET wins over the file.
 * @throws {EphemosError} the reason why there is none
 */
export async function openIdentity(
  config: EchoConfig,
  options: Pick<X509SourceOptions, 'signal' | 'timeout' | 'onWaiting'>,
): Promise<X509Source> {
  const { id, file } = config;
  const endpoint = process.env['SPIFFE_ENDPOINT_SOCKET'] ? undefined : config.endpoint;
  try {
    return await openX509Source({ id, endpoint, ...options });
  } catch (error) {
    if (!(error instanceof EphemosError)) throw error;
    if (error.code === 'ERR_ENDPOINT_MISSING')
      throw new ConfigError(error.message, `set it to the agent's socket, or agent.socketPath in ${file}`);
    if (error.code !== 'ERR_ENDPOINT_INVALID') throw error;
    const where = endpoint === undefined ? 'SPIFFE_ENDPOINT_SOCKET' : `${file}: agent.socketPath`;
    throw new ConfigError(`${where}: ${error.message}`, error.hint ?? 'write it as in unix:///run/spire/sockets/agent.sock');
  }
}
