// An entries file in; the entries that its owner wants out, or everything that is wrong with it, each with its place.
import { byPlace, type ConfigDocument, type ConfigProblem, describeValue, type KeyPath, openDocument } from '@ephemos/service/config';
import { nearest } from '../input/nearest.ts';
import { type Entry, type FieldName, grantOf } from './entry.ts';
import { type EntryReaders, expected, type Read, type Refuse, readers, textLike } from './entry-fields.ts';
import { entryIdOf, OWNER } from './ownership.ts';

/** An entries file is at most this many bytes; 10,000 entries are about 3 MiB, and 250 MiB of memory while it is read. */
export const MAX_FILE_BYTES: number = 16 * 2 ** 20;
/** More problems than this are counted, not named. */
export const MAX_PROBLEMS = 200;

/** An entries file that can be used. */
export interface EntriesFile {
  readonly owner: string;
  readonly entries: readonly Entry[];
  /** The problem of a field that only the server can tell. */
  problemAt(index: number, field: FieldName, message: string, hint?: string): ConfigProblem;
}

/** Everything that is wrong with a file. */
export interface FileProblems {
  /** By place, at most {@link MAX_PROBLEMS}. */
  readonly problems: readonly ConfigProblem[];
  readonly total: number;
}

/** Reads a file. Does not throw: what is wrong is in the problems. */
export function readEntriesFile(path: string): EntriesFile | FileProblems {
  const document = openDocument(path, MAX_FILE_BYTES);
  const found = document.problems.map(({ problem }) => problem);
  const log: Log = (at, key, message, hint) => void found.push(document.locate({ path: key, message, hint }, at));
  const file = document.value === undefined ? undefined : readTop(document.value, log);
  if (found.length > 0 || file === undefined) return fileProblems(found);
  return { ...file, problemAt: (index, field, ...rest) => problemAt(document, ['entries', index, field], ...rest) };
}

/** The problems of a file, in order. */
export function fileProblems(problems: readonly ConfigProblem[]): FileProblems {
  return { problems: [...problems].sort(byPlace).slice(0, MAX_PROBLEMS), total: problems.length };
}

type Log = (at: 'key' | 'value', path: KeyPath, message: string, hint?: string) => void;

function problemAt({ locate }: ConfigDocument, path: KeyPath, message: string, hint?: string): ConfigProblem {
  return locate({ path, message, hint }, 'value');
}

const readOwner = textLike(OWNER, 'a name of lower-case letters, digits and "-" such as "shop"');

function readTop(value: unknown, log: Log): Pick<EntriesFile, 'owner' | 'entries'> | undefined {
  const top = readMapping(value, { path: [], keys: ['owner', 'entries'], needed: ['owner', 'entries'] }, log);
  const owner = top?.has('owner') === true ? readOwner(top.get('owner'), refuseAt(['owner'], log)) : undefined;
  const list = top?.get('entries');
  if (top?.has('entries') === true && !Array.isArray(list)) log('value', ['entries'], expected('a list of entries', list), emptyHint(list));
  if (!Array.isArray(list)) return undefined;
  const items: readonly unknown[] = list;
  const entries = items.map((item, index) => readEntry(item, { owner: owner ?? '', path: ['entries', index] }, log));
  refuseTwins(entries, log);
  const good = entries.flatMap((each) => (each === undefined ? [] : [each.entry]));
  return owner === undefined ? undefined : { owner, entries: good };
}

// Nothing wanted is a thing to say, with --prune a grave one; a key without a value is more often a slip.
function emptyHint(list: unknown): string | undefined {
  return list === null ? 'write [] when no entry is wanted' : undefined;
}

interface ReadEntry {
  readonly entry: Entry;
  readonly key: string | undefined;
}

function readEntry(value: unknown, { owner, path }: { readonly owner: string; readonly path: KeyPath }, log: Log): ReadEntry | undefined {
  const fields = readMapping(value, { path, keys: Object.keys(readers), needed: ['spiffe_id', 'parent_id', 'selectors'] }, log);
  if (fields === undefined) return undefined;
  const read = <T>(name: keyof EntryReaders, reader: Read<T>): T | undefined =>
    fields.has(name) ? reader(fields.get(name), refuseAt([...path, name], log)) : undefined;
  const key = read('key', readers.key);
  const spiffeId = read('spiffe_id', readers.spiffe_id);
  const parentId = read('parent_id', readers.parent_id);
  const selectors = read('selectors', readers.selectors);
  const rest = {
    x509SvidTtl: read('x509_svid_ttl', readers.x509_svid_ttl) ?? 0,
    jwtSvidTtl: read('jwt_svid_ttl', readers.jwt_svid_ttl) ?? 0,
    dnsNames: read('dns_names', readers.dns_names) ?? [],
    federatesWith: read('federates_with', readers.federates_with) ?? [],
    admin: read('admin', readers.admin) ?? false,
    downstream: read('downstream', readers.downstream) ?? false,
    storeSvid: read('store_svid', readers.store_svid) ?? false,
    hint: read('hint', readers.hint) ?? '',
    expiresAt: read('expires_at', readers.expires_at) ?? 0,
    otherAttributes: [],
  };
  if (spiffeId === undefined || parentId === undefined || selectors === undefined) return undefined;
  if (!parentId.isMemberOf(spiffeId.trustDomain))
    log('value', [...path, 'parent_id'], `the parent must be of the trust domain of spiffe_id, ${spiffeId.trustDomain}`);
  if (rest.storeSvid && new Set(selectors.map((each) => each.replace(/:.*$/s, ''))).size > 1)
    log('value', [...path, 'selectors'], 'with store_svid all selectors have one type', 'leave those of the store alone');
  const id = { spiffeId: spiffeId.toString(), parentId: parentId.toString() };
  return { key, entry: { entryId: entryIdOf(owner, { ...id, key }), ...id, selectors, ...rest } };
}

// A server takes one of two entries that grant the same; and two with one ID would take turns.
function refuseTwins(entries: readonly (ReadEntry | undefined)[], log: Log): void {
  const grants = new Map<string, number>();
  const ids = new Map<string, number>();
  for (const [index, read] of entries.entries()) {
    if (read === undefined) continue;
    const { entry, key } = read;
    const path = ['entries', index];
    const same = grants.get(grantOf(entry));
    const known = ids.get(entry.entryId);
    if (same !== undefined)
      log(
        'key',
        path,
        `entries[${same}] has the same spiffe_id, parent_id and selectors`,
        'remove one of the two, or change its selectors',
      );
    else if (known !== undefined)
      log(
        key === undefined ? 'key' : 'value',
        key === undefined ? path : [...path, 'key'],
        `entries[${known}] has the same spiffe_id and parent_id${key === undefined ? '' : ', and this key'}`,
        key === undefined ? 'give one of them a key to tell them apart, such as "key: canary"' : 'give it another key',
      );
    grants.set(grantOf(entry), same ?? index);
    ids.set(entry.entryId, known ?? index);
  }
}

interface MappingRule {
  readonly path: KeyPath;
  readonly keys: readonly string[];
  readonly needed: readonly string[];
}

function readMapping(value: unknown, { path, keys, needed }: MappingRule, log: Log): ReadonlyMap<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    log('value', path, expected(`a mapping with ${needed.join(', ')}`, value));
    return undefined;
  }
  const fields = new Map<string, unknown>(Object.entries(value));
  const meant = new Set<string>();
  for (const name of fields.keys()) {
    if (keys.includes(name)) continue;
    const near = nearest(name, keys);
    if (near !== undefined) meant.add(near);
    log('key', [...path, name], 'there is no such key', near === undefined ? `the keys are ${keys.join(', ')}` : `did you mean ${near}?`);
  }
  // A key that is there under a mistyped name is not missing too.
  for (const name of needed) if (!fields.has(name) && !meant.has(name)) log('key', [...path, name], 'this key is missing');
  return fields;
}

function refuseAt(path: KeyPath, log: Log): Refuse {
  return (message, hint, below = []) => {
    log('value', [...path, ...below], message, hint);
    return undefined;
  };
}

/** The message of an entry of another trust domain than the server's. */
export function foreignTrustDomain(spiffeId: string, own: string): string {
  return `the server is of the trust domain ${own}, and takes no entry for ${describeValue(spiffeId)}`;
}
