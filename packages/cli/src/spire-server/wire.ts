// Registration entries between the messages of SPIRE's API and our own form.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Entry } from '../entries/entry.ts';
import { type EntryMask, EntryMaskSchema, EntrySchema, type Entry as WireEntry } from './spire/api/types/entry_pb.ts';
import type { SPIFFEID } from './spire/api/types/spiffeid_pb.ts';

/** A SPIFFE ID in two parts, as the messages have it. */
export function toWireId(spiffeId: string): { readonly trustDomain: string; readonly path: string } {
  const [, trustDomain = '', path = ''] = /^spiffe:\/\/([^/]*)(.*)$/s.exec(spiffeId) ?? [];
  return { trustDomain, path };
}

/** A SPIFFE ID as text; empty for none. */
export function fromWireId(id: SPIFFEID | undefined): string {
  return id === undefined ? '' : `spiffe://${id.trustDomain}${id.path}`;
}

/** An entry for a server. */
export function toWire(entry: Entry): WireEntry {
  const init: MessageInitShape<typeof EntrySchema> = {
    id: entry.entryId,
    spiffeId: toWireId(entry.spiffeId),
    parentId: toWireId(entry.parentId),
    selectors: entry.selectors.map((selector) => {
      const colon = selector.indexOf(':');
      return { type: selector.slice(0, colon), value: selector.slice(colon + 1) };
    }),
    x509SvidTtl: entry.x509SvidTtl,
    jwtSvidTtl: entry.jwtSvidTtl,
    dnsNames: [...entry.dnsNames],
    federatesWith: [...entry.federatesWith],
    admin: entry.admin,
    downstream: entry.downstream,
    storeSvid: entry.storeSvid,
    hint: entry.hint,
    expiresAt: BigInt(entry.expiresAt),
  };
  return create(EntrySchema, init);
}

/** An entry of a server. */
export function fromWire(entry: WireEntry): Entry {
  const { disableX509SvidPrefetch = false, jwtSvidIncludeJti = false } = entry.additionalAttributes ?? {};
  return {
    entryId: entry.id,
    spiffeId: fromWireId(entry.spiffeId),
    parentId: fromWireId(entry.parentId),
    selectors: entry.selectors.map(({ type, value }) => `${type}:${value}`),
    x509SvidTtl: entry.x509SvidTtl,
    jwtSvidTtl: entry.jwtSvidTtl,
    dnsNames: entry.dnsNames,
    federatesWith: entry.federatesWith,
    admin: entry.admin,
    downstream: entry.downstream,
    storeSvid: entry.storeSvid,
    hint: entry.hint,
    expiresAt: Number(entry.expiresAt),
    otherAttributes: [
      ...(disableX509SvidPrefetch ? ['disable_x509_svid_prefetch'] : []),
      ...(jwtSvidIncludeJti ? ['jwt_svid_include_jti'] : []),
    ],
  };
}

/** Every field that an entries file has a key for. What it has none for is left as it is. */
export function managedFields(): EntryMask {
  return create(EntryMaskSchema, {
    spiffeId: true,
    parentId: true,
    selectors: true,
    x509SvidTtl: true,
    jwtSvidTtl: true,
    dnsNames: true,
    federatesWith: true,
    admin: true,
    downstream: true,
    storeSvid: true,
    hint: true,
    expiresAt: true,
  });
}

/** No field: the ID alone. */
export function noFields(): EntryMask {
  return create(EntryMaskSchema);
}
