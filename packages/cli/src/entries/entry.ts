// A registration entry: what SPIRE's server keeps of an identity, and its fields as an entries file writes them.

/** A registration entry. Times are seconds; 0 leaves it to the server. */
export interface Entry {
  /** The ID of the entry itself, which says who owns it. */
  readonly entryId: string;
  readonly spiffeId: string;
  readonly parentId: string;
  /** `type:value` each; a set. */
  readonly selectors: readonly string[];
  readonly x509SvidTtl: number;
  readonly jwtSvidTtl: number;
  /** The first one becomes the common name of the certificate. */
  readonly dnsNames: readonly string[];
  /** Names of trust domains; a set. */
  readonly federatesWith: readonly string[];
  readonly admin: boolean;
  readonly downstream: boolean;
  readonly storeSvid: boolean;
  readonly hint: string;
  /** Seconds since 1970; 0 for never. */
  readonly expiresAt: number;
  /** Attributes that are set and that an entries file has no key for. They are left as they are. */
  readonly otherAttributes: readonly string[];
}

/** A value as an entries file writes it. */
export type FieldValue = string | boolean | readonly string[];

/** The keys of an entry in an entries file, in the order in which they are written. */
export const fieldNames = [
  'spiffe_id',
  'parent_id',
  'selectors',
  'x509_svid_ttl',
  'jwt_svid_ttl',
  'dns_names',
  'federates_with',
  'admin',
  'downstream',
  'store_svid',
  'hint',
  'expires_at',
] as const;

/** One of {@link fieldNames}. */
export type FieldName = (typeof fieldNames)[number];

/** The value of a field; undefined where it has the value that leaving out the key gives it. */
export function fieldOf(entry: Entry, name: FieldName): FieldValue | undefined {
  switch (name) {
    case 'spiffe_id':
      return entry.spiffeId;
    case 'parent_id':
      return entry.parentId;
    case 'selectors':
      return sorted(entry.selectors);
    case 'x509_svid_ttl':
      return duration(entry.x509SvidTtl);
    case 'jwt_svid_ttl':
      return duration(entry.jwtSvidTtl);
    case 'dns_names':
      return unlessEmpty(entry.dnsNames);
    case 'federates_with':
      return unlessEmpty(sorted(entry.federatesWith));
    case 'admin':
      return entry.admin || undefined;
    case 'downstream':
      return entry.downstream || undefined;
    case 'store_svid':
      return entry.storeSvid || undefined;
    case 'hint':
      return entry.hint === '' ? undefined : entry.hint;
    case 'expires_at':
      return entry.expiresAt === 0 ? undefined : instant(entry.expiresAt);
  }
}

/** The fields that are set. */
export function fieldsOf(entry: Entry): readonly (readonly [FieldName, FieldValue])[] {
  return fieldNames.flatMap((name) => {
    const value = fieldOf(entry, name);
    return value === undefined ? [] : [[name, value] as const];
  });
}

/** What one field is and what it is to be; undefined where it is not set. */
export interface FieldChange {
  readonly field: FieldName;
  readonly from: FieldValue | undefined;
  readonly to: FieldValue | undefined;
}

/** The fields in which two entries differ. */
export function changesBetween(from: Entry, to: Entry): readonly FieldChange[] {
  return fieldNames
    .map((field) => ({ field, from: fieldOf(from, field), to: fieldOf(to, field) }))
    .filter((change) => JSON.stringify(change.from) !== JSON.stringify(change.to));
}

/** What a server takes for one entry: it refuses a second one with the same SPIFFE ID, parent and selectors. */
export function grantOf({ spiffeId, parentId, selectors }: Entry): string {
  return JSON.stringify([spiffeId, parentId, sorted(selectors)]);
}

/** Orders texts by their code units. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function sorted(texts: readonly string[]): readonly string[] {
  return [...texts].sort(byText);
}

function unlessEmpty(list: readonly string[]): readonly string[] | undefined {
  return list.length === 0 ? undefined : list;
}

// `1h30m`, as an entries file takes it.
function duration(seconds: number): string | undefined {
  if (seconds === 0) return undefined;
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'm'],
    [seconds % 60, 's'],
  ] as const;
  return parts.flatMap(([number, unit]) => (number === 0 ? [] : [`${number}${unit}`])).join('');
}

// The last year that ISO 8601 writes with four digits. A server may hold anything.
const LAST_SECOND = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000;

function instant(seconds: number): string {
  return seconds < 0 || seconds > LAST_SECOND ? `${seconds} s after 1970` : new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** An entry with nothing but who it is for, and an ID where it has one already. */
export function newEntry(fields: Pick<Entry, 'spiffeId' | 'parentId' | 'selectors'> & Partial<Pick<Entry, 'entryId'>>): Entry {
  return {
    entryId: '',
    x509SvidTtl: 0,
    jwtSvidTtl: 0,
    dnsNames: [],
    federatesWith: [],
    admin: false,
    downstream: false,
    storeSvid: false,
    hint: '',
    expiresAt: 0,
    otherAttributes: [],
    ...fields,
  };
}
