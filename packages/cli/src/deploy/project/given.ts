// Answers that were given in; a refusal of those that the target does not ask for.
import { EphemosError } from 'ephemos/errors';
import type { GivenAnswers } from './target.ts';

/** @throws {EphemosError} ERR_CONFIG_INVALID for an answer that nobody asks for */
export function refuseUnknown(given: GivenAnswers, known: readonly string[]): void {
  const unknown = Object.entries(given).find(([name, value]) => value !== undefined && !known.includes(name));
  if (unknown === undefined) return;
  throw new EphemosError('ERR_CONFIG_INVALID', `this target does not ask for ${JSON.stringify(unknown[0])}`, {
    hint: `it asks for ${known.join(', ')}`,
  });
}
