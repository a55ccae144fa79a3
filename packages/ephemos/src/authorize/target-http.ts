// The raw request target of an HTTP request in, the one form that is compared with routes out (RFC 9112 section 3.2, RFC 3986 section 6.2.2).
// What two readers could read differently is refused, never mended.
import { EphemosError } from '../errors.ts';
import type { HttpTarget } from './target.ts';

/** A request target is at most this many bytes, its query included. */
export const MAX_TARGET_BYTES = 8192;

const MAX_METHOD_LENGTH = 32;
/** How often a path may be percent-encoded: what is read once is looked into this deep for what a second and third reader would find. */
const MAX_ENCODINGS = 3;

/** An encoded control character, `.`, `/`, `\` or DEL. */
const HIDDEN = /%(?:[01][0-9A-F]|2[EF]|5C|7F)/i;
const ENCODED = /%[0-9A-F]{2}/gi;
const UNRESERVED = /^[A-Za-z0-9_~-]$/;
/** Also before a `;`, where readers that know matrix parameters see the end of the segment. */
const DOT_SEGMENT = /\/\.{1,2}(?:[/;]|$)/;

/**
 * Normalises a method and a raw request target, once. There is no method override here: headers are not looked at.
 * @param rawTarget what stands in the request line, or `:path`: `req.url` as Node.js gives it
 * @throws {EphemosError} ERR_TARGET_INVALID, to be answered with 400
 */
export function parseHttpTarget(method: string, rawTarget: string): HttpTarget {
  const wanted = parseMethod(method);
  const rawPath = parsePath(rawTarget);
  const path = rawPath.includes('%') ? rawPath.replace(ENCODED, decodeUnreserved) : rawPath;
  if (DOT_SEGMENT.test(path)) throw invalid('a path has no "." or ".." segment');
  return Object.freeze({ protocol: 'http', method: wanted, path, rawPath });
}

function parseMethod(method: string): string {
  if (typeof method !== 'string' || method.length > MAX_METHOD_LENGTH || !/^[A-Z]+(?:-[A-Z]+)*$/.test(method)) {
    throw invalid(`a method is at most ${MAX_METHOD_LENGTH} capital letters and "-"`);
  }
  if (method === 'CONNECT') throw invalid('CONNECT asks for a tunnel, and there is none');
  return method === 'HEAD' ? 'GET' : method;
}

function parsePath(target: string): string {
  if (typeof target !== 'string') throw invalid('a request target must be a string');
  if (target.length > MAX_TARGET_BYTES) throw invalid(`a request target is at most ${MAX_TARGET_BYTES} bytes`);
  if (!target.startsWith('/')) throw formRefused(target);
  if (/[^\x21-\x7e]/.test(target)) throw invalid('a request target holds visible ASCII characters alone', 'percent-encode the others');
  // Some readers end the path here and some do not.
  if (target.includes('#')) throw invalid('a request target has no fragment', 'percent-encode "#" as %23');
  const query = target.indexOf('?');
  const path = query === -1 ? target : target.slice(0, query);
  if (path.includes('\\')) throw invalid('a path has no backslash');
  if (path.includes('//')) throw invalid('a path has no empty segment');
  if (path.includes('%')) checkEncoding(path);
  return path;
}

function checkEncoding(path: string): void {
  try {
    decodeURIComponent(path);
  } catch {
    throw invalid('the percent-encoding of a path is two hexadecimal digits each, and valid UTF-8');
  }
  let layer = path.toUpperCase();
  for (let encodings = 0; encodings <= MAX_ENCODINGS; encodings++) {
    if (HIDDEN.test(layer)) throw invalid('a path has no percent-encoded ".", "/", "\\" or control character, however often it is encoded');
    const next = layer.replace(ENCODED, (encoded) => (encoded === '%25' ? '%' : decodeUnreserved(encoded)));
    if (next === layer) return;
    layer = next;
  }
  throw invalid(`a path is percent-encoded at most ${MAX_ENCODINGS} times over`);
}

function decodeUnreserved(encoded: string): string {
  const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
  return UNRESERVED.test(character) ? character : encoded.toUpperCase();
}

function formRefused(target: string): EphemosError {
  if (target === '*') return invalid('a request for "*" asks for nothing that a rule could name');
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(target)) return invalid('a request target in absolute form is for proxies', 'send the path alone');
  return invalid('a request target starts with "/"');
}

function invalid(message: string, hint?: string): EphemosError {
  return new EphemosError('ERR_TARGET_INVALID', message, { hint });
}
