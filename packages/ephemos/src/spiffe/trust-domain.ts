// A trust domain name: text in, a checked value out (SPIFFE-ID section 2.1).
import { EphemosError } from '../errors.ts';

/** SPIFFE-ID section 2.3: a trust domain name is at most this many bytes. */
export const MAX_TRUST_DOMAIN_BYTES = 255;

const SCHEME = 'spiffe://';

/**
 * The name of a trust domain, such as `example.org`.
 * Names compare with {@link TrustDomain.equals}; there is no order and no hierarchy among them.
 */
export class TrustDomain {
  /** The bare name, lower case, 1 to 255 bytes. */
  readonly name: string;
  /** The ID of the trust domain itself, `spiffe://<name>`. */
  readonly idString: string;

  private constructor(name: string) {
    this.name = name;
    this.idString = SCHEME + name;
    Object.freeze(this);
  }

  /**
   * Parses a name (`example.org`) or a trust domain ID (`spiffe://example.org`).
   * @throws {EphemosError} ERR_TRUST_DOMAIN_INVALID
   */
  static parse(nameOrId: string): TrustDomain {
    if (typeof nameOrId !== 'string') throw invalid('a trust domain must be a string');
    const name = nameOrId.startsWith(SCHEME) ? nameOrId.slice(SCHEME.length) : nameOrId;
    if (name.length === 0) throw invalid('a trust domain must not be empty');
    if (name.length > MAX_TRUST_DOMAIN_BYTES) throw invalid(`a trust domain is at most ${MAX_TRUST_DOMAIN_BYTES} bytes`);
    for (let i = 0; i < name.length; i++) {
      if (!isNameCharacter(name.charCodeAt(i))) throw refused(name, i);
    }
    return new TrustDomain(name);
  }

  equals(other: TrustDomain): boolean {
    return this.name === other.name;
  }

  /** The bare name. */
  toString(): string {
    return this.name;
  }

  toJSON(): string {
    return this.name;
  }
}

function isNameCharacter(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x2e || code === 0x5f;
}

function refused(name: string, index: number): EphemosError {
  // ASCII alone: the Kelvin sign becomes a k in lower case, and a name must not be mended into another one.
  if (/^[A-Za-z0-9._-]+$/.test(name))
    return invalid('a trust domain is written in lower case', `write ${JSON.stringify(name.toLowerCase())}`);
  if (name.includes('/')) return invalid('a trust domain has no path', 'give the name alone, as in "example.org"');
  return invalid(`a trust domain holds only a-z, 0-9, ".", "-" and "_"; character ${index + 1} is none of them`);
}

function invalid(message: string, hint?: string): EphemosError {
  return new EphemosError('ERR_TRUST_DOMAIN_INVALID', message, { hint });
}
