// One message of the Workload API in, one complete and checked state out (SPIFFE_Workload_API.md sections 4 and 5).
import { EphemosError, isEphemosError } from '../errors.ts';
import { equalBytes } from '../spiffe/der.ts';
import { SpiffeId } from '../spiffe/spiffe-id.ts';
import { TrustDomain } from '../spiffe/trust-domain.ts';
import { X509Bundle } from '../spiffe/x509-bundle.ts';
import { X509BundleSet } from '../spiffe/x509-bundle-set.ts';
import { X509Svid } from '../spiffe/x509-svid.ts';
import type { X509BundlesResponse, X509SVID, X509SVIDResponse } from './workload_pb.ts';

/** Most SVIDs in one message. */
export const MAX_SVIDS = 256;
/** Most trust domains in one message. */
export const MAX_TRUST_DOMAINS = 10_000;

/** Everything a workload is: its identities, the default one first, and the bundles to verify its peers with. */
export interface X509Context {
  readonly svids: readonly X509Svid[];
  readonly bundles: X509BundleSet;
}

/**
 * Checks a message whole and takes it whole. Bundles that did not change are the objects of `previous`, so that what was learnt about them stays.
 * @throws {EphemosError} ERR_WORKLOAD_API_RESPONSE_INVALID
 */
export function parseX509Context(response: X509SVIDResponse, previous?: X509Context): X509Context {
  return refuseWhole(() => {
    const { svids } = response;
    if (svids.length === 0) throw invalid('holds no SVID');
    if (svids.length > MAX_SVIDS) throw invalid(`holds more than ${MAX_SVIDS} SVIDs`);
    const used = firstOfEachHint(svids);
    const parsed = used.map(parseSvid);
    const own = parsed.map(({ id }, index): EncodedBundle => [id.trustDomain.idString, used[index]?.bundle ?? new Uint8Array()]);
    const bundles = readBundles(own, response.federatedBundles, previous?.bundles);
    return Object.freeze({ svids: Object.freeze(parsed), bundles });
  });
}

/**
 * Checks a message that holds bundles alone.
 * @throws {EphemosError} ERR_WORKLOAD_API_RESPONSE_INVALID
 */
export function parseX509Bundles(response: X509BundlesResponse, previous?: X509BundleSet): X509BundleSet {
  return refuseWhole(() => {
    const bundles = readBundles([], response.bundles, previous);
    if (bundles.size === 0) throw invalid('holds no bundle');
    return bundles;
  });
}

/** True when nothing that a workload could notice differs. */
export function sameX509Context(a: X509Context, b: X509Context): boolean {
  return (
    a.svids.length === b.svids.length &&
    a.svids.every((svid, index) => b.svids[index]?.equals(svid) === true) &&
    a.bundles.equals(b.bundles)
  );
}

function parseSvid(message: X509SVID): X509Svid {
  const { spiffeId, x509Svid, x509SvidKey, bundle, hint } = message;
  // Section 5.2.1: every field but the hint is mandatory; section 4.5: a mandatory field left empty spoils the message.
  if (spiffeId === '' || x509Svid.length === 0 || x509SvidKey.length === 0 || bundle.length === 0)
    throw invalid('holds an SVID with an empty field');
  return X509Svid.parse({ id: SpiffeId.parse(spiffeId), chain: x509Svid, privateKey: x509SvidKey, hint });
}

// Section 5.2.1: of several SVIDs with one hint the first is used. SVIDs without a hint are all kept.
function firstOfEachHint(svids: readonly X509SVID[]): readonly X509SVID[] {
  const seen = new Set<string>();
  return svids.filter(({ hint }) => hint === '' || (!seen.has(hint) && seen.add(hint)));
}

/** As a message holds it: the ID of a trust domain and concatenated DER. */
type EncodedBundle = readonly [id: string, der: Uint8Array];
type EncodedBundles = { readonly [id: string]: Uint8Array };

/** `own` may name a trust domain more than once, and again what `others` holds. */
function readBundles(own: readonly EncodedBundle[], others: EncodedBundles, previous: X509BundleSet | undefined): X509BundleSet {
  if (previous !== undefined && isSame(own, others, previous)) return previous;
  const bundles = new Map<string, X509Bundle>();
  for (const [id, der] of [...own, ...Object.entries(others)]) {
    const bundle = known(previous, id, der) ?? X509Bundle.parse(TrustDomain.parse(id), der);
    const { idString } = bundle.trustDomain;
    // Several SVIDs of one trust domain repeat its bundle; two different ones cannot both be it.
    if (bundles.get(idString)?.equals(bundle) === false) throw invalid(`holds two different bundles of ${bundle.trustDomain}`);
    bundles.set(idString, bundle);
    if (bundles.size > MAX_TRUST_DOMAINS) throw invalid(`holds more than ${MAX_TRUST_DOMAINS} bundles`);
  }
  return new X509BundleSet(bundles.values());
}

// Most updates change one SVID and no bundle, while a workload may be federated with a thousand trust domains: then each costs a look-up and a comparison.
function isSame(own: readonly EncodedBundle[], others: EncodedBundles, previous: X509BundleSet): boolean {
  const seen = new Set<string>();
  for (const [id, der] of own) {
    if (known(previous, id, der) === undefined) return false;
    seen.add(id);
  }
  let { size } = seen;
  for (const id of Object.keys(others)) {
    if (known(previous, id, others[id]) === undefined) return false;
    if (!seen.has(id)) size += 1;
  }
  return size === previous.size;
}

function known(previous: X509BundleSet | undefined, id: string, der: Uint8Array | undefined): X509Bundle | undefined {
  const bundle = previous?.getById(id);
  return bundle !== undefined && der !== undefined && equalBytes(bundle.der, der) ? bundle : undefined;
}

function refuseWhole<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!isEphemosError(error) || error.code === 'ERR_WORKLOAD_API_RESPONSE_INVALID') throw error;
    throw invalid(`is refused whole: ${error.message}`, error);
  }
}

function invalid(what: string, cause?: unknown): EphemosError {
  return new EphemosError('ERR_WORKLOAD_API_RESPONSE_INVALID', `the update from the Workload API ${what}`, {
    hint: 'the last good update stays in use; look at the log of the agent',
    ...(cause === undefined ? {} : { cause }),
  });
}
