// The values of one entry of an entries file in; checked fields out, or what is wrong with each. The rules are those of SPIRE's server
// (pkg/server/api/entry.go and the datastore), so that what passes here is not refused there.
import { describeValue, type KeyPath, parseGoDuration } from '@ephemos/service/config';
import { isEphemosError } from 'ephemos/errors';
import { SpiffeId, TrustDomain } from 'ephemos/spiffe';
import { KEY } from './ownership.ts';

/** A hint is at most this many bytes. */
export const MAX_HINT_BYTES = 1024;
/** SPIRE keeps a TTL as a signed number of 32 bits. */
export const MAX_TTL_SECONDS: number = 2 ** 31 - 1;

/** Takes down that something at a place below the value is wrong; returns undefined, for the value that there is not. */
export type Refuse = (message: string, hint?: string, below?: KeyPath) => undefined;

/** Reads a value; undefined when it was refused. */
export type Read<T> = (value: unknown, refuse: Refuse) => T | undefined;

/** How each key of an entry is read. */
export interface EntryReaders {
  readonly key: Read<string>;
  readonly spiffe_id: Read<SpiffeId>;
  readonly parent_id: Read<SpiffeId>;
  readonly selectors: Read<readonly string[]>;
  readonly x509_svid_ttl: Read<number>;
  readonly jwt_svid_ttl: Read<number>;
  readonly dns_names: Read<readonly string[]>;
  readonly federates_with: Read<readonly string[]>;
  readonly admin: Read<boolean>;
  readonly downstream: Read<boolean>;
  readonly store_svid: Read<boolean>;
  readonly hint: Read<string>;
  readonly expires_at: Read<number>;
}

/** The keys of an entry. */
export const readers: EntryReaders = {
  key: textLike(KEY, 'a key of letters, digits, ".", "-" and "_" such as "canary"'),
  spiffe_id: readWorkloadId,
  parent_id: readMemberId,
  selectors: readSelectors,
  x509_svid_ttl: readTtl,
  jwt_svid_ttl: readTtl,
  dns_names: readDnsNames,
  federates_with: listOf('the name of a trust domain', readTrustDomain),
  admin: readFlag,
  downstream: readFlag,
  store_svid: readFlag,
  hint: readHint,
  expires_at: readInstant,
};

/** Reads a text of a form. */
export function textLike(form: RegExp, what: string): Read<string> {
  return (value, refuse) => (typeof value === 'string' && form.test(value) ? value : refuse(expected(what, value)));
}

/** The message for a value of the wrong kind. */
export function expected(what: string, value: unknown): string {
  return `expected ${what}, and found ${describeValue(value)}`;
}

function readMemberId(value: unknown, refuse: Refuse): SpiffeId | undefined {
  if (typeof value !== 'string') return refuse(expected('a SPIFFE ID', value));
  const id = attempt(() => SpiffeId.parse(value), refuse);
  if (id === undefined || id.path !== '') return id;
  return refuse(`${describeValue(value)} is the ID of the trust domain itself, and has no path`);
}

function readWorkloadId(value: unknown, refuse: Refuse): SpiffeId | undefined {
  const id = readMemberId(value, refuse);
  if (id === undefined || !/^\/spire(\/|$)/.test(id.path)) return id;
  return refuse('a path that begins with "/spire" belongs to SPIRE', 'choose another path');
}

function readSelectors(value: unknown, refuse: Refuse): readonly string[] | undefined {
  if (Array.isArray(value) && value.length === 0)
    return refuse('the list is empty, and SPIRE takes no entry without a selector', 'name what tells the workload, such as unix:uid:1001');
  return listOf('a selector such as "unix:uid:1001"', readSelector)(value, refuse);
}

function readSelector(text: string, refuse: Refuse): string | undefined {
  if (/^[^:]+:./s.test(text)) return text;
  return refuse(`${describeValue(text)} is not a selector`, 'write <type>:<value>, such as unix:uid:1001');
}

function readDnsNames(value: unknown, refuse: Refuse): readonly string[] | undefined {
  const names = listOf('a DNS name', readDnsName)(value, refuse);
  const overlapped = names?.findIndex((name) => !name.startsWith('*') && names.includes(name.replace(/^[^.]*/, '*'))) ?? -1;
  if (overlapped === -1) return names;
  return refuse('a wildcard of this list covers this name, and SPIRE signs no certificate with both', 'remove one of the two', [
    overlapped,
  ]);
}

const LABEL = /^(?!-)(?!..--)[A-Za-z0-9-]{1,63}(?<!-)$|^xn--[A-Za-z0-9-]{1,59}(?<!-)$/;

function readDnsName(text: string, refuse: Refuse): string | undefined {
  const name = text.replace(/^\*\./, '');
  if (name.length <= 253 && name.split('.').every((label) => LABEL.test(label))) return text;
  return refuse(
    `${describeValue(text)} is not a DNS name`,
    'write letters, digits and "-" in parts with "." between, such as web.example.org',
  );
}

function readTrustDomain(text: string, refuse: Refuse): string | undefined {
  return attempt(() => TrustDomain.parse(text).name, refuse);
}

function readTtl(value: unknown, refuse: Refuse): number | undefined {
  const what = 'a duration such as "1h"';
  if (typeof value === 'number') return refuse(expected(what, value), `write "${value}s" for seconds`);
  if (typeof value !== 'string') return refuse(expected(what, value));
  const seconds = attempt(() => parseGoDuration(value) / 1000, refuse);
  if (seconds === undefined) return undefined;
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_TTL_SECONDS) return seconds;
  return refuse(
    `expected whole seconds from 1s to ${MAX_TTL_SECONDS}s, and found ${describeValue(value)}`,
    seconds === 0 ? "leave the key out for the server's own" : undefined,
  );
}

function readHint(value: unknown, refuse: Refuse): string | undefined {
  if (typeof value !== 'string' || value === '') return refuse(expected('a text', value === '' ? null : value));
  return Buffer.byteLength(value) <= MAX_HINT_BYTES ? value : refuse(`a hint is at most ${MAX_HINT_BYTES} bytes`);
}

function readFlag(value: unknown, refuse: Refuse): boolean | undefined {
  return typeof value === 'boolean' ? value : refuse(expected('true or false', value));
}

function readInstant(value: unknown, refuse: Refuse): number | undefined {
  const ms = typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value) ? Date.parse(value) : NaN;
  // A 31st of February is no date, and Date.parse of some engines takes it for one of March.
  const real = Number.isFinite(ms) && ms > 0 && new Date(ms).toISOString().replace('.000Z', 'Z') === value;
  return real ? ms / 1000 : refuse(expected('a moment in UTC such as "2026-12-31T23:59:59Z"', value));
}

function listOf(what: string, read: (text: string, refuse: Refuse) => string | undefined): Read<readonly string[]> {
  return (value, refuse) => {
    if (!Array.isArray(value)) return refuse(expected('a list', value), typeof value === 'string' ? `write [${value}]` : undefined);
    const items: readonly unknown[] = value;
    if (items.length === 0) return refuse('the list is empty', 'leave the key out');
    const good = new Set<string>();
    for (const [index, item] of items.entries()) {
      const refuseItem: Refuse = (message, hint) => refuse(message, hint, [index]);
      const text = typeof item === 'string' ? read(item, refuseItem) : refuseItem(expected(what, item));
      if (text === undefined) continue;
      if (good.has(text)) refuseItem(`${describeValue(text)} is there twice`, 'remove one of the two');
      good.add(text);
    }
    return good.size === items.length ? [...good] : undefined;
  };
}

function attempt<T>(parse: () => T, refuse: Refuse): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!isEphemosError(error)) throw error;
    return refuse(error.message, error.hint);
  }
}
