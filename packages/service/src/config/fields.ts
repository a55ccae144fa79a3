// The kinds of values that keys take: what stands in the file (and in its JSON Schema) in, checked values out.
import { EphemosError } from 'ephemos/errors';
import { SpiffeId, TrustDomain } from 'ephemos/spiffe';
import { formatEndpoint, parseEndpoint } from 'ephemos/workload-api';
import { z } from 'zod';
import { type Address, parseAddress } from './address.ts';
import { parseGoDuration } from './go-duration.ts';
import { describeValue, invalid, quote } from './problem.ts';

/** The message of a key that must be there. */
export const MISSING = 'this key is missing';

/** A list of SPIFFE IDs has at most this many entries. */
export const MAX_IDS = 1_000;

/** A mapping with these keys and no others. Left out, it is as if it were empty. */
export function section<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape, expected(`a mapping with ${Object.keys(shape).join(', ')}`));
}

/** Any text that passes. @param pattern for editors; the parser decides */
export function parsed<T>(what: string, pattern: string, parse: (text: string) => T): z.ZodType<T, string> {
  return z
    .string({ error: ({ input }) => wrongKind(what, input, parse) })
    .meta({ pattern })
    .transform((text, context): T => {
      try {
        return parse(text);
      } catch (error) {
        if (!(error instanceof EphemosError)) throw error;
        context.addIssue({ code: 'custom', message: error.message, params: { hint: error.hint } });
        return z.NEVER;
      }
    });
}

/** One of these words. */
export function oneOf<const Word extends string>(words: readonly Word[]): z.ZodType<Word, Word> {
  return z.enum(words, expected(`one of ${words.join(', ')}`));
}

/** True or false. */
export function flag(): z.ZodType<boolean, boolean> {
  return z.boolean(expected('true or false'));
}

/** A whole number, both bounds included. */
export function wholeNumber(least: number, most: number): z.ZodType<number, number> {
  const error = expected(`a whole number from ${least} to ${most}`);
  return z.int(error).min(least, error).max(most, error);
}

/** A part of all: a number from 0 to 1. */
export function share(): z.ZodType<number, number> {
  const error = expected('a number from 0 to 1');
  return z.number(error).min(0, error).max(1, error);
}

/** A Go duration of whole milliseconds, both bounds included. @param off whether `0s` is allowed below the lower bound, for "never" */
export function duration(least: string, most: string, { off = false }: { readonly off?: boolean } = {}): z.ZodType<number, string> {
  const [from, to] = [parseGoDuration(least), parseGoDuration(most)];
  return parsed('a duration such as "30s"', '^(0|([0-9]*(\\.[0-9]*)?(ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)$', (text) => {
    const milliseconds = parseGoDuration(text);
    if ((milliseconds < from || milliseconds > to) && !(off && milliseconds === 0)) {
      throw invalid(`expected a duration from ${least} to ${most}${off ? ', or 0s for none' : ''}, and found ${quote(text)}`);
    }
    if (!Number.isInteger(milliseconds)) throw invalid(`expected whole milliseconds, and found ${quote(text)}`);
    return milliseconds;
  });
}

/** Where to listen. */
export function address(): z.ZodType<Address, string> {
  return parsed('an address such as ":8443"', '^(\\[[0-9A-Fa-f:.%a-z]+\\]|[A-Za-z0-9._-]*):[0-9]{1,5}$', parseAddress);
}

/** The name of a trust domain. */
export function trustDomain(): z.ZodType<TrustDomain, string> {
  return parsed('the name of a trust domain', '^[a-z0-9._-]{1,255}$', (text) => {
    if (text.startsWith('spiffe://'))
      throw invalid('a trust domain is written as a name', `write ${quote(text.slice('spiffe://'.length))}`);
    return TrustDomain.parse(text);
  });
}

/** The SPIFFE ID of a workload. */
export function spiffeId(): z.ZodType<SpiffeId, string> {
  return parsed('a SPIFFE ID such as "spiffe://prod.acme.com/web"', '^spiffe://[a-z0-9._-]+(/[A-Za-z0-9._-]+)+$', (text) => {
    if (text.includes('*'))
      throw invalid('a SPIFFE ID has no wild cards', 'write a rule with id_prefix or trust_domain below policy.rules');
    const id = SpiffeId.parse(text);
    if (id.path !== '') return id;
    throw invalid(
      `no workload has the ID ${quote(text)}, which is that of its trust domain`,
      'name workloads, or write a rule with trust_domain below policy.rules',
    );
  });
}

/** SPIFFE IDs, at least one: an empty list would be read as "nobody" by some and as "anybody" by others. */
export function spiffeIds(): z.ZodType<SpiffeId[], string[]> {
  return z
    .array(spiffeId(), expected('a list of SPIFFE IDs'))
    .min(1, 'the list is empty; remove the key, or name somebody')
    .max(MAX_IDS, `a list has at most ${MAX_IDS} entries`);
}

/** Where the Workload API is, as an endpoint or the absolute path of its socket; an endpoint comes out. */
export function socket(): z.ZodType<string, string> {
  return parsed('a socket such as "/run/spire/sockets/agent.sock"', '^(/.+|unix:.+|tcp://.+)$', parseSocket);
}

/**
 * An endpoint as text, from an endpoint or the absolute path of a socket.
 * @throws {EphemosError} ERR_ENDPOINT_INVALID, ERR_CONFIG_INVALID
 */
export function parseSocket(text: string): string {
  if (!/^(\/|[A-Za-z][A-Za-z0-9+.-]*:)/.test(text))
    throw invalid(`expected an absolute path or an endpoint, and found ${quote(text)}`, 'write it as "/path" or "unix:///path"');
  return formatEndpoint(parseEndpoint(text.startsWith('/') ? formatEndpoint({ scheme: 'unix', path: text }) : text));
}

// `30` is no text, but "30" would be, or the parser knows how to mend it.
function wrongKind(what: string, input: unknown, parse: (text: string) => unknown): string {
  const message = expected(what).error({ input });
  if (typeof input !== 'number' && typeof input !== 'boolean') return message;
  try {
    parse(String(input));
    return `${message}; put it in quotes`;
  } catch (error) {
    return error instanceof EphemosError && error.hint !== undefined ? `${message}; ${error.hint}` : message;
  }
}

/** The message of a value of the wrong kind. */
export function expected(what: string): { readonly error: (issue: { readonly input?: unknown }) => string } {
  return {
    error: ({ input }) => (input === undefined ? MISSING : `expected ${what}, and found ${describeValue(input)}`),
  };
}
