// A route pattern: the text of a rule in, what paths it covers out. A path matches in one spelling alone; see readingsOf for the others.
import { EphemosError, isEphemosError } from '../errors.ts';
import { parseHttpTarget } from './target-http.ts';

/** A route pattern is at most this many characters. */
export const MAX_ROUTE_LENGTH = 1024;

/** Stands for any one segment that is not empty. */
export const ANY: unique symbol = Symbol('any segment');

/** A literal in the spelling that it is compared in, or {@link ANY}. */
export type RouteSegment = string | typeof ANY;

/** A parsed route pattern. */
export interface RoutePattern {
  /** As it was written. */
  readonly text: string;
  /** The segments; the last one is empty when the pattern ends in `/`. */
  readonly segments: readonly RouteSegment[];
  /** True for a trailing `/**`: whatever follows the segments, nothing included. */
  readonly rest: boolean;
  /** The segments as {@link foldSegment} sees them, without the empty one at the end. */
  readonly folded: readonly RouteSegment[];
}

const LITERAL = /^(?:[\w.~$@,;=&!'+:-]|%[0-9A-Fa-f]{2}|[^\0-\x7f])+$/;
const PARAMETER = /^(?:\*|:[A-Za-z_]\w*)$/;

/**
 * Parses a route pattern. Segments are literal; `*` and `:name` stand for one segment; a trailing `/**` stands for all that follows, the path
 * before it included, as in the routers. Case and a trailing `/` count. Characters outside ASCII may be written as they are.
 * @throws {EphemosError} ERR_POLICY_INVALID
 */
export function parseRoute(text: string): RoutePattern {
  if (text.length > MAX_ROUTE_LENGTH) throw invalid(`a route is at most ${MAX_ROUTE_LENGTH} characters`);
  if (!text.startsWith('/')) throw invalid('a route starts with "/"', `write ${JSON.stringify(`/${text}`)}`);
  const written = text.slice(1).split('/');
  const rest = written.at(-1) === '**';
  if (rest) written.pop();
  const segments = written.map((segment, index) => parseSegment(segment, index === written.length - 1 && !rest));
  const folded = segments.map((segment) => (segment === ANY ? ANY : foldSegment(segment)));
  if (folded.at(-1) === '') folded.pop();
  return Object.freeze({ text, segments: Object.freeze(segments), rest, folded: Object.freeze(folded) });
}

function parseSegment(segment: string, last: boolean): RouteSegment {
  if (PARAMETER.test(segment)) return ANY;
  if (segment === '' && last) return segment;
  if (segment === '') throw invalid('a route has no empty segment');
  if (segment === '**') throw invalid('"**" stands at the end of a route alone', 'write "*" for one segment');
  if (segment.startsWith(':')) throw invalid(`${JSON.stringify(segment)} is not ":" and a name`, 'write "*" for the whole segment');
  if (!LITERAL.test(segment)) {
    throw invalid(`${JSON.stringify(segment)} holds characters that are none of a literal segment`, 'write "*" for a segment that varies');
  }
  try {
    // Read as a request's is, so that what no request can ask for is refused here.
    return parseHttpTarget('GET', `/${segment.replace(/[^\0-\x7f]+/g, encodeURIComponent)}`).path.slice(1);
  } catch (error) {
    throw invalid(isEphemosError(error) ? error.message : 'a route holds well-formed Unicode', undefined, error);
  }
}

/** True when the pattern covers the segments of a raw path, in this spelling. */
export function coversPath({ segments, rest }: RoutePattern, path: readonly string[]): boolean {
  if (rest ? path.length < segments.length : path.length !== segments.length) return false;
  return segments.every((segment, index) => (segment === ANY ? path[index] !== '' : segment === path[index]));
}

/** The segments of a path. */
export function splitPath(path: string): readonly string[] {
  return path.slice(1).split('/');
}

/**
 * The segments that a router may read in a raw path. Express ignores case and a trailing `/`; Fastify and Hono decode before they match;
 * Fastify lets a parameter be empty at the end, and can be told to ignore case and to end the path at `;`. Case, encoding and what
 * follows `;` are gone here. The segment after a trailing `/` is there, and empty.
 */
export function readingsOf(rawPath: string): readonly (readonly string[])[] {
  const semicolon = rawPath.indexOf(';');
  const paths = semicolon === -1 ? [rawPath] : [rawPath, rawPath.slice(0, semicolon)];
  return paths.map((path) => splitPath(path).map(foldSegment));
}

function foldSegment(segment: string): string {
  return (segment.includes('%') ? decodeURIComponent(segment) : segment).toLowerCase();
}

function invalid(message: string, hint?: string, cause?: unknown): EphemosError {
  return new EphemosError('ERR_POLICY_INVALID', message, { hint, ...(cause === undefined ? {} : { cause }) });
}
