// Turns what a caller sees into Workload API messages (SPIFFE_Workload_API, section 5.2), faults included.
import { Buffer } from 'node:buffer';
import { generateKeyPairSync } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import type { TrustDomain } from 'ephemos/spiffe';
import {
  type X509BundlesResponse,
  X509BundlesResponseSchema,
  type X509SVID,
  type X509SVIDResponse,
  X509SVIDResponseSchema,
  X509SVIDSchema,
} from 'ephemos/workload-api';
import type { MalformedKind } from './fault.ts';
import type { Snapshot } from './registry.ts';
import type { View } from './view.ts';

const garbage = Uint8Array.of(0x30, 0x82, 0xff, 0xff, 0x00);

/** The SVIDs of the caller, with every bundle. */
export function createX509SvidResponse({ snapshot, identities }: View): X509SVIDResponse {
  const { fault } = snapshot;
  const bundle = Buffer.concat(snapshot.authorities);
  const response = create(X509SVIDResponseSchema, {
    svids: identities.map(({ entry, svid }) =>
      create(X509SVIDSchema, {
        spiffeId: entry.id.toString(),
        x509Svid: Buffer.concat(svid.chain),
        x509SvidKey: svid.privateKey,
        bundle,
        hint: entry.hint,
      }),
    ),
    federatedBundles: federatedBundles(snapshot),
  });
  if (fault?.kind === 'empty-svids') response.svids = [];
  if (fault?.kind === 'oversized') response.crl = [new Uint8Array(fault.bytes)];
  if (fault?.kind === 'malformed') spoil(response, fault.what);
  return response;
}

/** Every bundle a caller may use, that of its own trust domain first. */
export function createX509BundlesResponse(snapshot: Snapshot, trustDomain: TrustDomain): X509BundlesResponse {
  const { fault } = snapshot;
  const own = { [trustDomain.idString]: Buffer.concat(snapshot.authorities) };
  const response = create(X509BundlesResponseSchema, { bundles: { ...own, ...federatedBundles(snapshot) } });
  if (fault?.kind === 'empty-svids') response.bundles = {};
  if (fault?.kind === 'oversized') response.crl = [new Uint8Array(fault.bytes)];
  if (fault?.kind === 'malformed') response.bundles[trustDomain.idString] = garbage;
  return response;
}

function federatedBundles({ federated }: Snapshot): Record<string, Uint8Array> {
  return Object.fromEntries([...federated].map(([name, authorities]) => [`spiffe://${name}`, Buffer.concat(authorities)]));
}

function spoil(response: X509SVIDResponse, what: MalformedKind): void {
  for (const svid of response.svids) spoilSvid(svid, what);
  switch (what) {
    case 'message':
      // Field 1 is a length-delimited X509SVID; inside it, a field that says it is longer than all there is.
      response.$unknown = [{ no: 1, wireType: WireType.LengthDelimited, data: Uint8Array.of(2, 0x0a, 0x7f) }];
      break;
    case 'federated-bundle':
      response.federatedBundles['spiffe://malformed.example'] = garbage;
      break;
    case 'federated-name':
      response.federatedBundles['spiffe://Not A Trust Domain'] = response.svids[0]?.bundle ?? new Uint8Array();
      break;
    default:
  }
}

function spoilSvid(svid: X509SVID, what: MalformedKind): void {
  switch (what) {
    case 'spiffe-id':
      svid.spiffeId = 'spiffe://not a spiffe id';
      break;
    case 'spiffe-id-mismatch':
      svid.spiffeId = `${svid.spiffeId}-other`;
      break;
    case 'certificate-missing':
      svid.x509Svid = new Uint8Array();
      break;
    case 'certificate':
      svid.x509Svid = garbage;
      break;
    case 'key-missing':
      svid.x509SvidKey = new Uint8Array();
      break;
    case 'key':
      svid.x509SvidKey = garbage;
      break;
    case 'key-mismatch':
      svid.x509SvidKey = strangerKey();
      break;
    case 'bundle-missing':
      svid.bundle = new Uint8Array();
      break;
    case 'bundle':
      svid.bundle = garbage;
      break;
    default:
  }
}

function strangerKey(): Uint8Array {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'der', type: 'pkcs8' });
}
