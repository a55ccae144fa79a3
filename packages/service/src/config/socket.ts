// Where the Workload API is: an argument in code, then SPIFFE_ENDPOINT_SOCKET, then the configuration.
import { isEphemosError } from 'ephemos/errors';
import type { SocketConfig } from './config.ts';
import { type Environment, problemOf } from './environment.ts';
import { parseSocket } from './fields.ts';
import type { ConfigProblem } from './problem.ts';
import { checkText } from './text-check.ts';

/** The variable of the SPIFFE Workload Endpoint specification, section 4. */
const ENDPOINT_VARIABLE = 'SPIFFE_ENDPOINT_SOCKET';

/** What was given in code or in SPIFFE_ENDPOINT_SOCKET; an empty variable counts as not set. */
export function readGivenSocket(
  argument: string | undefined,
  env: Environment,
): { readonly socket?: SocketConfig; readonly problem?: ConfigProblem } {
  const origin = argument === undefined ? ENDPOINT_VARIABLE : 'argument';
  const text = argument ?? env[ENDPOINT_VARIABLE] ?? '';
  if (argument === undefined && text === '') return {};
  const place = origin === 'argument' ? 'socket' : origin;
  const refused = checkText(text);
  if (refused !== undefined) return { problem: problemOf(place, refused.message, refused.hint) };
  try {
    return { socket: Object.freeze({ endpoint: parseSocket(text), origin }) };
  } catch (error) {
    if (!isEphemosError(error)) throw error;
    return { problem: problemOf(place, error.message, error.hint) };
  }
}
