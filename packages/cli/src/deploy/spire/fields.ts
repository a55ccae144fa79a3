// The kinds of values in a spire.yaml: what stands there in, checked values out. Every text becomes part of a configuration of SPIRE, where `$` would
// be a variable and a line break the end of a line.
import { describeValue, parseGoDuration } from '@ephemos/service/config';
import { EphemosError } from 'ephemos/errors';
import { TrustDomain } from 'ephemos/spiffe';
import { z } from 'zod';

/** The message of a key that must be there. */
export const MISSING = 'this key is missing';

/** Bytes of the path of a unix socket: what macOS takes, less the rest that libraries need. */
export const MAX_SOCKET_BYTES = 100;

/** A mapping with these keys and no others. */
export function section<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape, expected(`a mapping with ${Object.keys(shape).join(', ')}`));
}

/** The message of a value of the wrong kind. */
export function expected(what: string): { readonly error: (issue: { readonly input?: unknown }) => string } {
  return { error: ({ input }) => (input === undefined ? MISSING : `expected ${what}, and found ${describeValue(input)}`) };
}

/** The message of a mapping of none of these kinds. */
export function expectedKind(kinds: string): { readonly error: (issue: { readonly input?: unknown }) => string } {
  return {
    error: ({ input }) => {
      if (input === undefined) return MISSING;
      const kind: unknown = typeof input === 'object' && input !== null && 'kind' in input ? input.kind : undefined;
      return `expected a mapping whose kind is ${kinds}, and found ${kind === undefined ? describeValue(input) : describeValue(kind)}`;
    },
  };
}

/** A text that has this form. */
export function text(what: string, pattern: RegExp): z.ZodType<string, string> {
  const error = expected(what);
  return z.string(error).regex(pattern, error);
}

/** Words for people: no quotes, nothing that SPIRE would expand. */
export function words(): z.ZodType<string, string> {
  return text(
    'a text of letters, digits, blanks and .,&()/+-',
    /^[\p{L}\p{Nd}.,&()/+-]([\p{L}\p{Nd} .,&()/+-]{0,62}[\p{L}\p{Nd}.,&()/+-])?$/u,
  );
}

/** A host name or an IP address. */
export function host(): z.ZodType<string, string> {
  return text('a host name or an IP address', /^([A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:]{2,39})$/);
}

/** A port. */
export function port(): z.ZodType<number, number> {
  return wholeNumber(1, 65_535);
}

/** A whole number, both bounds included. */
export function wholeNumber(least: number, most: number): z.ZodType<number, number> {
  const error = expected(`a whole number from ${least} to ${most}`);
  return z.int(error).min(least, error).max(most, error);
}

/** An absolute path. */
export function path(): z.ZodType<string, string> {
  return text('an absolute path of letters, digits and ./_-', /^(\/(?!\.\.?(\/|$))[A-Za-z0-9._-]+)+$/);
}

/** The path of a unix socket. */
export function socket(): z.ZodType<string, string> {
  return path().refine((each) => Buffer.byteLength(each) <= MAX_SOCKET_BYTES, `the path of a socket is at most ${MAX_SOCKET_BYTES} bytes`);
}

/** A network as `10.0.0.0/24`. */
export function network(): z.ZodType<string, string> {
  return text(
    'a network such as "10.0.0.0/24"',
    /^(\d{1,3}(\.\d{1,3}){3}\/([0-9]|[12][0-9]|3[0-2])|[0-9A-Fa-f:]{2,39}\/([0-9]|[1-9][0-9]|1[01][0-9]|12[0-8]))$/,
  );
}

/** A name in Kubernetes. */
export function kubernetesName(): z.ZodType<string, string> {
  return text('a name of Kubernetes: lower case letters, digits, "-" and "."', /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/);
}

/** One of these words. */
export function oneOf<const Word extends string>(choices: readonly Word[]): z.ZodType<Word, Word> {
  return z.enum(choices, expected(`one of ${choices.join(', ')}`));
}

/** The name of a trust domain. */
export function trustDomain(): z.ZodType<string, string> {
  return parsed('the name of a trust domain', (name) => TrustDomain.parse(name).name);
}

/** A Go duration, both bounds included; as it was written. */
export function duration(least: string, most: string): z.ZodType<string, string> {
  return parsed('a duration such as "1h"', (given) => {
    const [milliseconds, from, to] = [given, least, most].map(parseGoDuration);
    if (milliseconds === undefined || from === undefined || to === undefined || milliseconds < from || milliseconds > to) {
      throw new EphemosError('ERR_CONFIG_INVALID', `expected a duration from ${least} to ${most}, and found ${JSON.stringify(given)}`);
    }
    return given;
  });
}

function parsed(what: string, parse: (text: string) => string): z.ZodType<string, string> {
  return z.string(expected(what)).transform((given, context): string => {
    try {
      return parse(given);
    } catch (error) {
      if (!(error instanceof EphemosError)) throw error;
      context.addIssue({ code: 'custom', message: error.message, params: { hint: error.hint } });
      return z.NEVER;
    }
  });
}
