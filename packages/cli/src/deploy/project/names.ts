// What every target asks: the name of a service and of a trust domain, checked.
import { EphemosError } from 'ephemos/errors';
import { TrustDomain } from 'ephemos/spiffe';

/** The service of the example. */
export const DEFAULT_SERVICE = 'echo';

const SERVICE = /^[a-z][a-z0-9-]{0,38}[a-z0-9]$/;

/** The answers that every target needs. */
export interface Names {
  /** The stem of the names of everything that belongs to the service. */
  readonly service: string;
  /** The trust domain. */
  readonly domain: string;
}

/**
 * Checks the names. Without a domain it is `<service>.internal`, a name that is nobody's on the Internet.
 * @throws {EphemosError} ERR_CONFIG_INVALID, or why it is no trust domain
 */
export function parseNames(service: string = DEFAULT_SERVICE, domain: string = `${service}.internal`): Names {
  if (!SERVICE.test(service)) {
    throw new EphemosError('ERR_CONFIG_INVALID', `${JSON.stringify(service)} is no name of a service`, {
      hint: 'use 2 to 40 lower-case letters, digits and "-", a letter first',
    });
  }
  return Object.freeze({ service, domain: TrustDomain.parse(domain).name });
}
