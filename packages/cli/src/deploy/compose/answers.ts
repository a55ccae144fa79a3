// What a stack is made from: two names in, checked answers out. Everything else follows from them.
import { EphemosError } from 'ephemos/errors';
import { SpiffeId, TrustDomain } from 'ephemos/spiffe';

/** The answers to what `ephemos deploy init` asks. */
export interface Answers {
  /** The stem of the names of services, containers and volumes. */
  readonly service: string;
  /** The trust domain. */
  readonly domain: string;
}

/** The service of the example. */
export const DEFAULT_SERVICE = 'echo';

const SERVICE = /^[a-z][a-z0-9-]{0,38}[a-z0-9]$/;

/**
 * Checks answers. Without a domain it is `<service>.internal`, a name that is nobody's on the Internet.
 * @throws {EphemosError} ERR_CONFIG_INVALID, or why it is no trust domain
 */
export function parseAnswers(service: string = DEFAULT_SERVICE, domain: string = `${service}.internal`): Answers {
  if (!SERVICE.test(service)) {
    throw new EphemosError('ERR_CONFIG_INVALID', `${JSON.stringify(service)} is no name of a service`, {
      hint: 'use 2 to 40 lower-case letters, digits and "-", a letter first',
    });
  }
  return Object.freeze({ service, domain: TrustDomain.parse(domain).name });
}

/** The name of a workload of the stack: of its service, its container, and the path of its SPIFFE ID. */
export type Workload = 'server' | 'client';

/** `echo-server` */
export function nameOf({ service }: Answers, workload: Workload): string {
  return `${service}-${workload}`;
}

/** `spiffe://echo.internal/echo-server` */
export function idOf(answers: Answers, workload: Workload): string {
  return SpiffeId.parse(`spiffe://${answers.domain}/${nameOf(answers, workload)}`).toString();
}
