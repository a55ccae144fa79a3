// Where a service answers probes and scrapes: its configuration in, addresses to dial out.
import type { Config } from '@ephemos/service/config';
import { EphemosError, isEphemosError } from 'ephemos/errors';
import type { Context } from './context.ts';
import type { Address } from './input/address.ts';

/** The plaintext ports of a service. @throws {EphemosError} ERR_CONFIG_INVALID when one is read that the system chooses */
export interface ServiceAddresses {
  readonly health: Address;
  /** `undefined` when metrics are turned off. */
  readonly metrics: Address | undefined;
  readonly metricsPath: string;
}

/**
 * Reads the addresses from a configuration, by default the one that the service would read. Every address means loopback.
 * @param instead the flag that makes the configuration unnecessary
 * @throws {EphemosError} ERR_CONFIG_INVALID
 */
export async function readServiceAddresses(path: string | undefined, instead: string, { env }: Context): Promise<ServiceAddresses> {
  const { dialAddress } = await import('@ephemos/service/probe');
  const { health, metrics } = await readConfig(path, instead, env);
  return {
    get health() {
      return fixed('health.address', dialAddress(health.address));
    },
    get metrics() {
      return metrics.enabled ? fixed('metrics.address', dialAddress(metrics.address)) : undefined;
    },
    metricsPath: metrics.path,
  };
}

async function readConfig(path: string | undefined, instead: string, env: Context['env']): Promise<Config> {
  const { loadConfig } = await import('@ephemos/service/config');
  try {
    return loadConfig({ path, env });
  } catch (cause) {
    if (!isEphemosError(cause, 'ERR_CONFIG_INVALID')) throw cause;
    throw new EphemosError(cause.code, cause.message, { hint: cause.hint ?? `mend it, or give the address with ${instead}`, cause });
  }
}

function fixed(key: string, address: Address): Address {
  if (address.port !== 0) return address;
  throw new EphemosError('ERR_CONFIG_INVALID', `${key} has port 0, so only the service knows which port it has`, {
    hint: 'give the address as the log of the service shows it',
  });
}
