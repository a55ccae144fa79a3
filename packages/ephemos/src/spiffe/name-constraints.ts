// Name constraints of a CA and the names they are held against (RFC 5280 section 4.2.1.10).
import { DerReader, malformed, readAscii, TAG } from './der.ts';

/** Most names that are held against constraints for one CA and one certificate below it: the work is the product of two lists from outside. */
export const MAX_NAME_COMPARISONS = 10_000;

const URI = 0x86;
const DNS = 0x82;
const DIRECTORY_NAME = 0xa4;
// The nine kinds of GeneralName. Any other tag is none, above all the constructed form of a string: OpenSSL reads 0xa6 as a URI too.
const GENERAL_NAMES: ReadonlySet<number> = new Set([0xa0, 0x81, DNS, 0xa3, DIRECTORY_NAME, 0xa5, URI, 0x87, 0x88]);

/** Subtrees of one list, permitted or excluded. */
interface Subtrees {
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  /** GeneralName tags of subtrees of other kinds. They are not evaluated, so a name of that kind is refused. */
  readonly others: ReadonlySet<number>;
}

/** The constraints that a CA puts on every certificate below it. */
export interface NameConstraints {
  readonly permitted: Subtrees;
  readonly excluded: Subtrees;
}

/** The names of a certificate that constraints apply to. */
export interface ConstrainedNames {
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  readonly otherNames: ReadonlySet<number>;
  /** True when the certificate has no subject, which then is no directory name either. */
  readonly subjectEmpty: boolean;
}

/** Reads the contents of a NameConstraints extension. */
export function readNameConstraints(reader: DerReader): NameConstraints {
  const permitted = reader.optional(0xa0);
  const excluded = reader.optional(0xa1);
  reader.finish('name constraints');
  if (permitted === undefined && excluded === undefined) throw malformed('empty name constraints');
  return {
    permitted: readSubtrees(permitted === undefined ? undefined : DerReader.inside(permitted)),
    excluded: readSubtrees(excluded === undefined ? undefined : DerReader.inside(excluded)),
  };
}

/** Refuses what is no GeneralName, so that no name is hidden from a comparison. */
export function checkGeneralName(tag: number): void {
  if (!GENERAL_NAMES.has(tag)) throw malformed('a name of no known kind');
}

/** True when every name of a certificate below the CA is allowed. */
export function satisfiesNameConstraints({ permitted, excluded }: NameConstraints, names: ConstrainedNames): boolean {
  const comparisons =
    names.uris.length * (permitted.uris.length + excluded.uris.length) +
    names.dnsNames.length * (permitted.dnsNames.length + excluded.dnsNames.length);
  if (comparisons > MAX_NAME_COMPARISONS) return false;
  for (const tag of [...permitted.others, ...excluded.others]) {
    if (names.otherNames.has(tag) || (tag === DIRECTORY_NAME && !names.subjectEmpty)) return false;
  }
  return (
    names.uris.every((uri) => isAllowed(hostOf(uri), permitted.uris, excluded.uris, hostMatches)) &&
    names.dnsNames.every((name) => isAllowed(name.toLowerCase(), permitted.dnsNames, excluded.dnsNames, dnsMatches))
  );
}

type Match = (name: string, constraint: string) => boolean;

function isAllowed(name: string | undefined, permitted: readonly string[], excluded: readonly string[], match: Match): boolean {
  if (permitted.length === 0 && excluded.length === 0) return true;
  // A URI without a host that can be compared cannot be shown to be allowed.
  if (name === undefined) return false;
  if (excluded.some((constraint) => match(name, constraint))) return false;
  return permitted.length === 0 || permitted.some((constraint) => match(name, constraint));
}

/** A URI constraint names one host, or with a leading dot every host below it, but not the host itself. */
function hostMatches(host: string, constraint: string): boolean {
  return constraint.startsWith('.') ? host.endsWith(constraint) && host.length > constraint.length : host === constraint;
}

/** A DNS constraint names a domain and everything below it. The empty one names everything. */
function dnsMatches(name: string, constraint: string): boolean {
  const bare = constraint.startsWith('.') ? constraint.slice(1) : constraint;
  if (bare === '') return true;
  return name.length > bare.length ? name.endsWith(bare) && name[name.length - bare.length - 1] === '.' : name === constraint;
}

function hostOf(uri: string): string | undefined {
  const match = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([A-Za-z0-9._-]+)(?:[/?#]|$)/.exec(uri);
  return match?.[1]?.toLowerCase();
}

// RFC 5280 wants a host or domain. Anything else would match nothing, and so exclude nothing.
function readUriConstraint(text: string): string {
  if (!/^[A-Za-z0-9._-]+$/.test(text)) throw malformed('a URI name constraint that is no host and no domain');
  return text.toLowerCase();
}

function readSubtrees(reader: DerReader | undefined): Subtrees {
  if (reader?.done === true) throw malformed('empty name constraints');
  const uris: string[] = [];
  const dnsNames: string[] = [];
  const others = new Set<number>();
  while (reader !== undefined && !reader.done) {
    const subtree = DerReader.inside(reader.expect(TAG.sequence, 'name constraint'));
    const base = subtree.any();
    checkGeneralName(base.tag);
    // minimum must be 0 (so absent in DER) and maximum absent: RFC 5280 section 4.2.1.10.
    subtree.finish('a name constraint');
    if (base.tag === URI) uris.push(readUriConstraint(readAscii(base)));
    else if (base.tag === DNS) dnsNames.push(readAscii(base).toLowerCase());
    else others.add(base.tag);
  }
  return { uris, dnsNames, others };
}
