// A SPIFFE ID: text in, a checked value out (SPIFFE-ID sections 2, 2.1, 2.2 and 2.3).
import { EphemosError, isEphemosError } from '../errors.ts';
import { TrustDomain } from './trust-domain.ts';

/** SPIFFE-ID section 2.3: a SPIFFE ID is at most this many bytes. */
export const MAX_SPIFFE_ID_BYTES = 2048;

const SCHEME = 'spiffe://';

/**
 * A SPIFFE ID such as `spiffe://example.org/web`. Immutable; compare with {@link SpiffeId.equals}.
 * The scheme and the trust domain must be lower case; the path is case-sensitive.
 */
export class SpiffeId {
  readonly trustDomain: TrustDomain;
  /** The path with its leading `/`, or the empty string for the ID of a trust domain. */
  readonly path: string;
  readonly #text: string;

  private constructor(trustDomain: TrustDomain, path: string) {
    this.trustDomain = trustDomain;
    this.path = path;
    this.#text = trustDomain.idString + path;
    Object.freeze(this);
  }

  /**
   * Parses the text of a SPIFFE ID.
   * @throws {EphemosError} ERR_SPIFFE_ID_INVALID, with the mend as hint where one is plain
   */
  static parse(text: string): SpiffeId {
    if (typeof text !== 'string') throw invalid('a SPIFFE ID must be a string');
    if (text.length > MAX_SPIFFE_ID_BYTES) throw invalid(`a SPIFFE ID is at most ${MAX_SPIFFE_ID_BYTES} bytes`);
    if (!text.startsWith(SCHEME)) throw schemeRefused(text);
    const slash = text.indexOf('/', SCHEME.length);
    const name = slash === -1 ? text.slice(SCHEME.length) : text.slice(SCHEME.length, slash);
    const path = slash === -1 ? '' : text.slice(slash);
    const trustDomain = parseTrustDomain(name, path);
    checkPath(path);
    return new SpiffeId(trustDomain, path);
  }

  /** The ID of a trust domain: no path. */
  static ofTrustDomain(trustDomain: TrustDomain): SpiffeId {
    return new SpiffeId(trustDomain, '');
  }

  equals(other: SpiffeId): boolean {
    return this.#text === other.#text;
  }

  isMemberOf(trustDomain: TrustDomain): boolean {
    return this.trustDomain.equals(trustDomain);
  }

  /** The whole ID, at most 2048 bytes, ASCII. */
  toString(): string {
    return this.#text;
  }

  toJSON(): string {
    return this.#text;
  }
}

function parseTrustDomain(name: string, path: string): TrustDomain {
  try {
    return TrustDomain.parse(name);
  } catch (error) {
    if (!isEphemosError(error)) throw error;
    const lower = name.toLowerCase();
    const hint = lower !== name && error.hint !== undefined ? `write ${JSON.stringify(SCHEME + lower + path)}` : error.hint;
    throw new EphemosError('ERR_SPIFFE_ID_INVALID', error.message, { hint, cause: error });
  }
}

function checkPath(path: string): void {
  if (path === '') return;
  let segmentStart = 1;
  for (let i = 1; i <= path.length; i++) {
    const code = i === path.length ? 0x2f : path.charCodeAt(i);
    if (code === 0x2f) {
      checkSegment(path, segmentStart, i);
      segmentStart = i + 1;
    } else if (!isPathCharacter(code)) {
      throw invalid(`a path segment holds only letters, digits, ".", "-" and "_"; character ${i + 1} of the path is none of them`);
    }
  }
}

function checkSegment(path: string, start: number, end: number): void {
  const length = end - start;
  if (length === 0) {
    const trailing = end === path.length;
    throw invalid(trailing ? 'a path has no trailing "/"' : 'a path has no empty segment', trailing ? 'remove the last "/"' : undefined);
  }
  const dots = path.charCodeAt(start) === 0x2e && (length === 1 || (length === 2 && path.charCodeAt(start + 1) === 0x2e));
  if (dots) throw invalid('a path has no "." or ".." segment');
}

function isPathCharacter(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x2d ||
    code === 0x2e ||
    code === 0x5f
  );
}

function schemeRefused(text: string): EphemosError {
  if (text.slice(0, SCHEME.length).toLowerCase() === SCHEME) {
    return invalid('the scheme is written in lower case', mendOf(SCHEME + text.slice(SCHEME.length)));
  }
  return invalid('a SPIFFE ID starts with "spiffe://"', 'write it as "spiffe://<trust domain>/<path>"');
}

function mendOf(text: string): string | undefined {
  try {
    return `write ${JSON.stringify(SpiffeId.parse(text))}`;
  } catch (error) {
    return isEphemosError(error) ? error.hint : undefined;
  }
}

function invalid(message: string, hint?: string): EphemosError {
  return new EphemosError('ERR_SPIFFE_ID_INVALID', message, { hint });
}
