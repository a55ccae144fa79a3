// One message of the Workload API: taken whole or refused whole.
import { create } from '@bufbuild/protobuf';
import { createTestAuthority, type IssuedSvid } from '@ephemos/dev';
import { TrustDomain, X509Bundle, X509BundleSet } from 'ephemos/spiffe';
import {
  parseX509Bundles,
  parseX509Context,
  sameX509Context,
  type X509BundlesResponse,
  X509BundlesResponseSchema,
  type X509Context,
  type X509SVID,
  type X509SVIDResponse,
  X509SVIDResponseSchema,
  X509SVIDSchema,
} from 'ephemos/workload-api';
import { describe, expect, it } from 'vitest';
import { MAX_SVIDS, MAX_TRUST_DOMAINS } from '../../src/workload-api/x509-context.ts';
import { outcomeOf, refusalOf } from '../spiffe/certificates.ts';

const REFUSED = 'ERR_WORKLOAD_API_RESPONSE_INVALID';
const WEB = 'spiffe://example.org/web';
const [authority, other, foreign] = [
  createTestAuthority('example.org'),
  createTestAuthority('example.org'),
  createTestAuthority('foreign.example'),
];
const bundle = Buffer.concat(await authority.bundleDer());
const otherBundle = Buffer.concat(await other.bundleDer());
const foreignBundle = Buffer.concat(await foreign.bundleDer());
const web = await authority.issueX509Svid(WEB);
const admin = await authority.issueX509Svid('spiffe://example.org/admin');

function message(svid: IssuedSvid, spiffeId: string, change: Partial<Omit<X509SVID, '$typeName' | '$unknown'>> = {}): X509SVID {
  return create(X509SVIDSchema, {
    spiffeId,
    x509Svid: Buffer.concat(svid.chain),
    x509SvidKey: Buffer.from(svid.privateKey),
    bundle,
    hint: '',
    ...change,
  });
}

function response(svids: readonly X509SVID[], federatedBundles: Record<string, Uint8Array> = {}): X509SVIDResponse {
  return create(X509SVIDResponseSchema, { svids: [...svids], federatedBundles: copied(federatedBundles) });
}

function bundlesResponse(bundles: Record<string, Uint8Array>): X509BundlesResponse {
  return create(X509BundlesResponseSchema, { bundles: copied(bundles) });
}

function copied(bundles: Record<string, Uint8Array>): Record<string, Uint8Array<ArrayBuffer>> {
  return Object.fromEntries(Object.entries(bundles).map(([id, der]) => [id, Uint8Array.from(der)]));
}

function idsOf({ svids }: X509Context): readonly string[] {
  return svids.map(({ id, hint }) => (hint === '' ? id.toString() : `${id}#${hint}`));
}

const good = message(web, WEB);

describe('a message is taken', () => {
  it('with its SVIDs in their order: the first is the default identity (Workload API 8)', () => {
    const context = parseX509Context(
      response([good, message(admin, 'spiffe://example.org/admin')], { 'spiffe://foreign.example': foreignBundle }),
    );
    expect(idsOf(context)).toEqual([WEB, 'spiffe://example.org/admin']);
    expect([...context.bundles].map(({ trustDomain }) => trustDomain.name)).toEqual(['example.org', 'foreign.example']);
  });

  it('frozen, and independent of the buffers it came in', () => {
    const raw = response([message(web, WEB, { bundle: Uint8Array.from(bundle) })]);
    const context = parseX509Context(raw);
    for (const bytes of [raw.svids[0]?.x509Svid, raw.svids[0]?.bundle, raw.svids[0]?.x509SvidKey]) bytes?.fill(0);
    expect(context.bundles.get(TrustDomain.parse('example.org'))?.authorities).toHaveLength(1);
    expect(Buffer.compare(context.svids[0]?.chain[0] ?? bundle, web.chain[0] ?? bundle)).toBe(0);
    expect([Object.isFrozen(context), Object.isFrozen(context.svids)]).toEqual([true, true]);
  });

  it('with an empty bundle of a federated trust domain: then nobody of it is trusted', () => {
    const { bundles } = parseX509Context(response([good], { 'spiffe://foreign.example': new Uint8Array() }));
    expect(bundles.get(TrustDomain.parse('foreign.example'))?.size).toBe(0);
  });

  it('with our own bundle among the federated ones, when it is the same', () => {
    expect(parseX509Context(response([good], { 'spiffe://example.org': bundle })).bundles.size).toBe(1);
  });

  it('with an SVID that has expired: the source says so', async () => {
    const old = await authority.issueX509Svid(WEB, {
      certificate: { notBefore: new Date(Date.UTC(2020, 0, 1)), notAfter: new Date(Date.UTC(2021, 0, 1)) },
    });
    expect(idsOf(parseX509Context(response([message(old, WEB)])))).toEqual([WEB]);
  });
});

describe('of SVIDs with one hint', () => {
  it('the first is used (Workload API 5.2.1)', () => {
    const [first, second] = [message(web, WEB, { hint: 'a' }), message(admin, 'spiffe://example.org/admin', { hint: 'a' })];
    expect(idsOf(parseX509Context(response([first, second])))).toEqual([`${WEB}#a`]);
    expect(idsOf(parseX509Context(response([second, first])))).toEqual(['spiffe://example.org/admin#a']);
  });

  it('those without a hint are all kept', () => {
    expect(idsOf(parseX509Context(response([good, good, message(web, WEB, { hint: 'b' })])))).toEqual([WEB, WEB, `${WEB}#b`]);
  });
});

describe('a message is refused whole', () => {
  const cases: readonly (readonly [string, X509SVIDResponse])[] = [
    ['without an SVID (Workload API 5.2.1)', response([])],
    ['without a SPIFFE ID in one of them (Workload API 4.5)', response([good, message(web, '')])],
    ['without a chain', response([message(web, WEB, { x509Svid: new Uint8Array() })])],
    ['without a key', response([message(web, WEB, { x509SvidKey: new Uint8Array() })])],
    ['without a bundle', response([message(web, WEB, { bundle: new Uint8Array() })])],
    ['with an ID that is none', response([message(web, 'example.org/web')])],
    ['with another ID than the certificate has', response([message(web, 'spiffe://example.org/admin')])],
    ['with the key of another SVID', response([message(web, WEB, { x509SvidKey: Buffer.from(admin.privateKey) })])],
    ['with a chain that is cut off', response([message(web, WEB, { x509Svid: Buffer.concat(web.chain).subarray(0, -1) })])],
    ['with a bundle that is cut off', response([message(web, WEB, { bundle: bundle.subarray(0, -1) })])],
    ['with PEM for a bundle', response([message(web, WEB, { bundle: Buffer.from('-----BEGIN CERTIFICATE-----') })])],
    ['with a hint of 1025 bytes (Workload API 8)', response([message(web, WEB, { hint: 'a'.repeat(1025) })])],
    ['when only its second SVID is bad', response([good, message(admin, WEB)])],
    [
      'with two bundles of one trust domain among its SVIDs',
      response([good, message(admin, 'spiffe://example.org/admin', { bundle: otherBundle })]),
    ],
    ['with a second bundle of our own among the federated ones', response([good], { 'spiffe://example.org': otherBundle })],
    [
      'with a second bundle under another spelling of the name',
      response([good], { 'spiffe://foreign.example': foreignBundle, 'foreign.example': otherBundle }),
    ],
    ['with a federated bundle that is junk', response([good], { 'spiffe://foreign.example': Uint8Array.of(1, 2, 3) })],
    ['with a federated bundle under a name that is none', response([good], { 'https://foreign.example': foreignBundle })],
    ['with a federated bundle under the ID of a workload', response([good], { 'spiffe://foreign.example/web': foreignBundle })],
    ['with a federated bundle under an upper-case name', response([good], { 'spiffe://Foreign.example': foreignBundle })],
    ['with a federated bundle above its bound', response([good], { 'spiffe://foreign.example': new Uint8Array(1024 * 1024 + 1) })],
    [`with more than ${MAX_SVIDS} SVIDs`, response(Array.from({ length: MAX_SVIDS + 1 }, () => good))],
  ];
  it.each(cases)('%s', (_what, bad) => {
    expect(outcomeOf(() => parseX509Context(bad))).toBe(REFUSED);
  });

  it(`with more than ${MAX_TRUST_DOMAINS} trust domains`, () => {
    const many = Object.fromEntries(
      Array.from({ length: MAX_TRUST_DOMAINS + 1 }, (_, index) => [`spiffe://td-${index}`, new Uint8Array()]),
    );
    expect(outcomeOf(() => parseX509Context(response([good], many)))).toBe(REFUSED);
    expect(outcomeOf(() => parseX509Bundles(bundlesResponse(many)))).toBe(REFUSED);
  });

  it('with the reason as cause and no bytes in what it says', () => {
    const error = refusalOf(() => parseX509Context(response([message(web, WEB, { x509SvidKey: Buffer.from(admin.privateKey) })])));
    expect(error.message).toBe(
      'the update from the Workload API is refused whole: the X.509-SVID has a key that does not belong to its certificate',
    );
    expect(error.cause).toMatchObject({ code: 'ERR_SVID_INVALID' });
  });
});

describe('after an update', () => {
  const federated = { 'spiffe://foreign.example': foreignBundle, 'spiffe://empty.example': new Uint8Array() };
  const before = parseX509Context(response([good], federated));
  const bundleNamed = (context: X509Context, name: string): X509Bundle | undefined => context.bundles.get(TrustDomain.parse(name));

  it('without a change the bundles are the very same objects', () => {
    const after = parseX509Context(response([good], federated), before);
    expect(after.bundles).toBe(before.bundles);
    expect(sameX509Context(before, after)).toBe(true);
  });

  it('a new SVID keeps the bundles', () => {
    const after = parseX509Context(response([message(admin, 'spiffe://example.org/admin')], federated), before);
    expect(after.bundles).toBe(before.bundles);
    expect(sameX509Context(before, after)).toBe(false);
  });

  it('one changed bundle keeps the others', () => {
    const after = parseX509Context(response([message(web, WEB, { bundle: Buffer.concat([bundle, otherBundle]) })], federated), before);
    expect(after.bundles).not.toBe(before.bundles);
    expect(bundleNamed(after, 'example.org')?.size).toBe(2);
    for (const name of ['foreign.example', 'empty.example']) expect(bundleNamed(after, name)).toBe(bundleNamed(before, name));
  });

  it('a bundle that is no longer sent is gone (Workload API 4.4)', () => {
    const after = parseX509Context(response([good]), before);
    expect([after.bundles.size, bundleNamed(after, 'foreign.example')]).toEqual([1, undefined]);
    expect(bundleNamed(after, 'example.org')).toBe(bundleNamed(before, 'example.org'));
    expect(sameX509Context(before, after)).toBe(false);
  });

  it('one trust domain instead of another is a change', () => {
    const after = parseX509Context(
      response([good], { 'spiffe://foreign.example': foreignBundle, 'spiffe://next.example': new Uint8Array() }),
      before,
    );
    expect([after.bundles.size, bundleNamed(after, 'empty.example'), bundleNamed(after, 'next.example')?.size]).toEqual([3, undefined, 0]);
  });

  it('bundles of two trust domains that change places are a change', () => {
    const swapped = parseX509Context(
      response([message(web, WEB, { bundle: foreignBundle })], { 'spiffe://foreign.example': bundle }),
      before,
    );
    expect(bundleNamed(swapped, 'foreign.example')?.authorities[0]?.der).toEqual(Uint8Array.from(bundle));
  });

  it('that repeats our bundle under another spelling, it is still one', () => {
    const after = parseX509Context(response([good], { ...federated, 'example.org': bundle }), before);
    expect(after.bundles.size).toBe(3);
    expect(after.bundles.equals(before.bundles)).toBe(true);
  });
});

describe('a message of bundles alone', () => {
  it('is taken, and unchanged bundles are the same objects', () => {
    const first = parseX509Bundles(bundlesResponse({ 'spiffe://example.org': bundle, 'spiffe://foreign.example': foreignBundle }));
    const second = parseX509Bundles(bundlesResponse({ 'spiffe://example.org': bundle, 'spiffe://foreign.example': otherBundle }), first);
    expect([first.size, second.size]).toEqual([2, 2]);
    expect(second.get(TrustDomain.parse('example.org'))).toBe(first.get(TrustDomain.parse('example.org')));
    expect(parseX509Bundles(bundlesResponse({ 'spiffe://example.org': bundle, 'spiffe://foreign.example': otherBundle }), second)).toBe(
      second,
    );
  });

  it.each([
    ['empty', {}],
    ['with junk for a bundle', { 'spiffe://example.org': Uint8Array.of(0x30) }],
    ['with a name that is none', { 'spiffe://': bundle }],
  ])('is refused whole %s', (_what, bundles) => {
    expect(outcomeOf(() => parseX509Bundles(bundlesResponse(bundles)))).toBe(REFUSED);
  });
});

it('a set made by hand is a previous one like any other', () => {
  const previous = new X509BundleSet([X509Bundle.parse(TrustDomain.parse('example.org'), bundle)]);
  expect(parseX509Bundles(bundlesResponse({ 'spiffe://example.org': bundle }), previous)).toBe(previous);
});
