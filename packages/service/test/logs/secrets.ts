// Keys, certificates and tokens as they may come to a log, in every form that people and programs write bytes in; and what of them is in a line.
import { createHash, createHmac, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { inspect } from 'node:util';
import { createTestAuthority } from '@ephemos/dev';

/** Bytes that must not be in a line. */
export interface Secret {
  readonly name: string;
  readonly bytes: Buffer;
  /** Such as `PRIVATE KEY`; tokens have none. */
  readonly label: string;
}

/** One of each kind; the keys are new ones each time. */
export async function makeSecrets(): Promise<readonly [Secret, ...Secret[]]> {
  const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const ed25519 = generateKeyPairSync('ed25519').privateKey;
  const { chain } = await createTestAuthority('example.org').issueX509Svid('spiffe://example.org/ns/payments/sa/orders');
  const [leaf] = chain;
  if (leaf === undefined) throw new TypeError('the authority issued nothing');
  return [
    { name: 'PKCS#8 of P-256', bytes: p256.export({ format: 'der', type: 'pkcs8' }), label: 'PRIVATE KEY' },
    { name: 'SEC1 of P-256', bytes: p256.export({ format: 'der', type: 'sec1' }), label: 'EC PRIVATE KEY' },
    { name: 'PKCS#1 of RSA', bytes: rsa.export({ format: 'der', type: 'pkcs1' }), label: 'RSA PRIVATE KEY' },
    { name: 'PKCS#8 of Ed25519', bytes: ed25519.export({ format: 'der', type: 'pkcs8' }), label: 'PRIVATE KEY' },
    { name: 'an SVID', bytes: Buffer.from(leaf), label: 'CERTIFICATE' },
    // Always the same one: 32 bytes in base64 read like names once in 50,000 times.
    { name: 'a symmetric key', bytes: bytesOf('symmetric', 32), label: 'SECRET' },
  ];
}

/** Bytes that are random but the same each time. */
export function bytesOf(seed: string, length: number): Buffer {
  return createHash('shake256', { outputLength: length }).update(seed).digest();
}

/** A JWT, signed with `key`. */
export function jwtOf(
  key: Uint8Array,
  claims: object = { sub: 'spiffe://example.org/web', aud: ['spiffe://example.org/orders'], exp: 4102444800 },
): string {
  const signed = [{ alg: 'HS256', typ: 'JWT', kid: 'b7c1' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

/** PEM with lines of 64 characters. */
export function pemOf({ bytes, label }: Secret, lineBreak = '\n'): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join(lineBreak);
}

type Form = (secret: Secret) => string;

const hexPairs = ({ bytes }: Secret): readonly string[] => bytes.toString('hex').match(/../g) ?? [];

/** Every way to write bytes in a text. */
export const textForms: Readonly<Record<string, Form>> = {
  PEM: pemOf,
  'PEM with CRLF': (secret) => pemOf(secret, '\r\n'),
  'PEM in one line': (secret) => pemOf(secret, ''),
  'PEM with blanks for line breaks': (secret) => pemOf(secret, ' '),
  'PEM in JSON': (secret) => JSON.stringify({ pem: pemOf(secret) }),
  'PEM in JSON in JSON': (secret) => JSON.stringify(JSON.stringify({ pem: pemOf(secret) })),
  'PEM in a URL': (secret) => encodeURIComponent(pemOf(secret)),
  'PEM in a form': (secret) => new URLSearchParams({ cert: pemOf(secret) }).toString(),
  'PEM of an environment variable': (secret) => `CERT="${pemOf(secret, '\\n')}"`,
  'PEM in a YAML block': (secret) => `key: |\n${pemOf(secret).replace(/^/gm, '    ')}`,
  'PEM without its first line': (secret) => pemOf(secret).replace(/^.*\n/, ''),
  'PEM without its last line': (secret) => pemOf(secret).replace(/-----END.*\n$/, ''),
  'PEM cut off in the middle': (secret) => pemOf(secret).slice(0, -Math.trunc(pemOf(secret).length / 3)),
  'PEM without its beginning': (secret) => pemOf(secret).slice(Math.trunc(pemOf(secret).length / 3)),
  base64: ({ bytes }) => bytes.toString('base64'),
  'base64 without padding': ({ bytes }) => bytes.toString('base64').replace(/=+$/, ''),
  'base64 in lines of 76': ({ bytes }) => bytes.toString('base64').replace(/.{76}/g, '$&\r\n'),
  'base64 in JSON with escaped slashes': ({ bytes }) => JSON.stringify({ der: bytes.toString('base64') }).replaceAll('/', '\\/'),
  'base64 in JSON with escaped plus': ({ bytes }) => JSON.stringify({ der: bytes.toString('base64') }).replaceAll('+', '\\u002b'),
  'base64 in a data URL': ({ bytes }) => `data:application/pkix-cert;base64,${bytes.toString('base64')}`,
  base64url: ({ bytes }) => bytes.toString('base64url'),
  'base64url in a query': ({ bytes }) => `https://example.org/callback?cert=${bytes.toString('base64url')}&state=1`,
  'base64url in a path': ({ bytes }) => `GET /v1/certificates/${bytes.toString('base64url')}/chain`,
  hex: ({ bytes }) => bytes.toString('hex'),
  'hex in capitals': ({ bytes }) => bytes.toString('hex').toUpperCase(),
  'hex with colons': (secret) => hexPairs(secret).join(':'),
  'hex with colons in lines of 15': (secret) =>
    hexPairs(secret)
      .join(':')
      .replace(/(?:..:){15}/g, '$&\n    '),
  'hex with blanks': (secret) => hexPairs(secret).join(' '),
  'hex with 0x': (secret) =>
    hexPairs(secret)
      .map((pair) => `0x${pair}`)
      .join(', '),
  'hex with \\x': (secret) =>
    hexPairs(secret)
      .map((pair) => `\\x${pair}`)
      .join(''),
  'hex with %': (secret) =>
    hexPairs(secret)
      .map((pair) => `%${pair}`)
      .join(''),
  'hex with dashes': (secret) => hexPairs(secret).join('-'),
  'hex in words of 4 bytes': ({ bytes }) => bytes.toString('hex').replace(/.{8}/g, '$& '),
  'hex in lines of 32 bytes': ({ bytes }) => bytes.toString('hex').replace(/.{64}/g, '$&\n'),
  'a Buffer in a template': ({ bytes }) => `read ${bytes.toString('latin1')} from the socket`,
  'a Buffer as JSON': ({ bytes }) => JSON.stringify(bytes),
  'a Buffer as JSON in JSON': ({ bytes }) => JSON.stringify(JSON.stringify({ key: bytes })),
  'a Buffer as inspect shows it': ({ bytes }) => inspect(bytes),
  'a Uint8Array in a template': ({ bytes }) => `read ${Uint8Array.from(bytes)}`,
  'a Uint8Array as JSON': ({ bytes }) => JSON.stringify(Uint8Array.from(bytes)),
  'a Uint8Array as inspect shows it': ({ bytes }) => inspect(Uint8Array.from(bytes), { maxArrayLength: null }),
  'a list of numbers': ({ bytes }) => JSON.stringify([...bytes]),
  'an Int8Array in a template': ({ bytes }) => `read ${new Int8Array(bytes)}`,
  'a password in a URL': ({ bytes }) =>
    `postgres://orders:${encodeURIComponent(bytes.toString('base64'))}@db.example.org:5432/orders?sslmode=verify-full`,
  'a token of three parts': ({ bytes }) => `v4.local.${bytes.toString('base64url')}.eHl6`,
};

/** Every way to hand over bytes as a value. */
export const valueForms: Readonly<Record<string, (secret: Secret) => unknown>> = {
  'a Buffer': ({ bytes }) => bytes,
  'a Uint8Array': ({ bytes }) => Uint8Array.from(bytes),
  'an ArrayBuffer': ({ bytes }) => Uint8Array.from(bytes).buffer,
  'a DataView': ({ bytes }) => new DataView(Uint8Array.from(bytes).buffer),
  'an Int8Array': ({ bytes }) => new Int8Array(bytes),
  'a list of numbers': ({ bytes }) => [...bytes],
  'what JSON makes of a Buffer': ({ bytes }) => bytes.toJSON(),
  'what JSON makes of a Uint8Array': ({ bytes }) => ({ ...Uint8Array.from(bytes) }),
  'a text that is spread': (secret) => ({ ...[...pemOf(secret)] }),
  'the characters of a text': (secret) => [...pemOf(secret)],
  'the lines of PEM': (secret) => pemOf(secret).split('\n'),
  'parts of 16 characters': ({ bytes }) => bytes.toString('base64').match(/.{1,16}/g),
  'a certificate': (secret) => (secret.label === 'CERTIFICATE' ? new X509Certificate(secret.bytes) : secret.bytes),
  'a JWK': ({ bytes }) => ({ kty: 'EC', crv: 'P-256', d: bytes.subarray(-32).toString('base64url') }),
  'a BigInt': ({ bytes }) => BigInt(`0x${bytes.toString('hex')}`),
};

/** Fewest bytes in a row that are a leak; hex of 16 bytes alone is what a trace ID looks like. */
const RUN_BYTES = 16;

type Reader = (text: string) => string | undefined;

const readers = new WeakMap<Secret, Readonly<Record<'base64' | 'hex' | 'latin1' | 'numbers', Reader>>>();

function readersOf(secret: Secret): Readonly<Record<'base64' | 'hex' | 'latin1' | 'numbers', Reader>> {
  const known = readers.get(secret);
  if (known !== undefined) return known;
  const { bytes } = secret;
  const made = {
    // Where the bytes begin in four characters is one of three places.
    base64: readerOf(
      [0, 1, 2].map((shift) => bytes.subarray(shift).toString('base64').replace(/=+$/, '')),
      22,
    ),
    hex: readerOf([bytes.toString('hex')], (RUN_BYTES + 1) * 2),
    // The names in a certificate are no secret.
    latin1: readerOf(bytes.toString('latin1').split(/[\x20-\x7e]{12,}/), RUN_BYTES),
    numbers: readerOf([`,${bytes.join(',')},`], 60),
  };
  readers.set(secret, made);
  return made;
}

/** What of a secret can be read in a line, `undefined` for nothing. */
export function leakOf(secret: Secret, line: string): string | undefined {
  const { base64, hex, latin1, numbers } = readersOf(secret);
  const parsed: unknown = JSON.parse(line);
  for (const text of textsOf(parsed)) {
    const leak =
      base64(
        text
          .replace(/\\+r?\\*n|%0[AaDd]|[\r\n]/g, '')
          .replaceAll('-', '+')
          .replaceAll('_', '/')
          .replace(/%2[Bb]|\\+u002b/g, '+')
          .replace(/%2[Ff]|\\+\//g, '/'),
      ) ??
      hex(text.toLowerCase().replace(/0x|\\+[xn]|[^\da-z[\]]/g, '')) ??
      latin1(text);
    if (leak !== undefined) return leak;
  }
  // Numbers side by side, whatever is between them; the keys of a Uint8Array do not count.
  return numbers(
    line
      .replace(/\\*"\d+\\*":|\\+n/g, '')
      .replace(/-?\d+/g, (number) => `${Number(number) & 255}`)
      .replace(/[^\d[\]a-z]+/gi, ','),
  );
}

// Finds the first run of `length` characters that is in one of the texts.
function readerOf(texts: readonly string[], length: number): Reader {
  const runs = new Set<string>();
  for (const text of texts) for (let start = 0; start + length <= text.length; start++) runs.add(text.slice(start, start + length));
  return (text) => {
    for (let start = 0; start + length <= text.length; start++) {
      const run = text.slice(start, start + length);
      if (runs.has(run)) return run;
    }
    return undefined;
  };
}

function* textsOf(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  if (typeof value !== 'object' || value === null) return;
  const entries: readonly [string, unknown][] = Object.entries(value);
  for (const [key, each] of entries) {
    yield key;
    yield* textsOf(each);
  }
  // Parts of one text in a list are read as one.
  if (Array.isArray(value)) yield value.filter((each) => typeof each === 'string').join('');
}
