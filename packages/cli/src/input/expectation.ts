// Whom the peer must be: exactly one of --id, --member-of and --any in, an authorizer and its words out.
import type { Authorizer } from 'ephemos';
import { CommandError } from '../command-error.ts';
import { exitCodes } from '../output/exit-code.ts';
import { parseId, parseTrustDomain } from './values.ts';

/** The flags as commander gives them. */
export interface ExpectationFlags {
  readonly id?: string;
  readonly memberOf?: string;
  readonly any?: boolean;
}

/** Whom the peer must be. */
export interface Expectation {
  readonly authorize: Authorizer;
  /** The rule as it was given, such as `--id spiffe://example.org/orders`. */
  readonly rule: string;
}

/**
 * Reads the expectation.
 * @throws {CommandError} when there is none or more than one
 * @throws {EphemosError} ERR_SPIFFE_ID_INVALID, ERR_TRUST_DOMAIN_INVALID
 */
export function readExpectation({ id, memberOf, any }: ExpectationFlags): Expectation {
  const given = [id, memberOf, any].filter((flag) => flag !== undefined);
  if (given.length !== 1) {
    throw new CommandError(
      'ERR_USAGE_INVALID',
      given.length === 0 ? 'nothing says who the peer must be' : 'only one of --id, --member-of and --any can hold',
      {
        exitCode: exitCodes.usage,
        hint: 'give --id <SPIFFE ID>, --member-of <trust domain>, or --any to take whoever is verified',
      },
    );
  }
  if (id !== undefined) {
    const wanted = parseId(id, '--id');
    return { authorize: (peer) => peer.id.equals(wanted), rule: `--id ${wanted}` };
  }
  if (memberOf !== undefined) {
    const wanted = parseTrustDomain(memberOf, '--member-of');
    return { authorize: (peer) => peer.id.isMemberOf(wanted), rule: `--member-of ${wanted}` };
  }
  return { authorize: () => true, rule: '--any' };
}
