// The parts of a certificate that our reader takes as bytes, so a certificate may hold anything there. Each of them, and why that is no hole:
// serial number: nothing depends on it without CRLs, and it is under the signature
// issuer and subject: they compare byte for byte
// parameters of algorithms: the two copies must be equal bytes, so they are under the signature; OpenSSL reads those of keys
// key and signature: OpenSSL reads them when they are used, and a key that it cannot read signs nothing
// unique identifiers: obsolete, passed over
// authority key identifier beyond the key: issuer and serial number are no more than a hint, and no hint is needed
// names other than URI and DNS: only their kind counts, because a constraint for such a kind refuses them all
import { contentsOf, element, splitElements } from '../spiffe/der-tree.ts';

/** The certificate with those parts taken from `good`, for an oracle that reads them too. */
export function withoutUnread(der: Uint8Array, good: Uint8Array): Uint8Array {
  const [tbs, ...rest] = splitElements(contentsOf(good));
  const [signed] = splitElements(contentsOf(der));
  if (tbs === undefined || signed === undefined) throw new Error('a certificate has a signed part');
  const [version, serial, algorithm, issuer, , subject, spki] = splitElements(contentsOf(tbs));
  const fields = splitElements(contentsOf(signed));
  const extensions = fields.find(([tag], index) => index > 6 && tag === 0xa3);
  const parts = [
    version,
    serial,
    algorithm,
    issuer,
    fields[4],
    subject,
    spki,
    extensions === undefined ? undefined : readParts(extensions),
  ];
  return element(0x30, element(0x30, ...parts.filter((part) => part !== undefined)), ...rest);
}

function readParts(extensions: Uint8Array): Uint8Array {
  const [list] = splitElements(contentsOf(extensions));
  return element(0xa3, element(0x30, ...splitElements(contentsOf(list ?? new Uint8Array())).map(readPart)));
}

function readPart(extension: Uint8Array): Uint8Array {
  const fields = splitElements(contentsOf(extension));
  const [oid, value] = [fields[0], fields.at(-1)];
  if (oid === undefined || value === undefined) return extension;
  return element(0x30, ...fields.slice(0, -1), element(0x04, readValue(Buffer.from(contentsOf(oid)).toString('hex'), contentsOf(value))));
}

function readValue(oid: string, value: Uint8Array): Uint8Array {
  switch (oid) {
    case '551d11':
      return element(0x30, ...splitElements(contentsOf(value)).filter(isRead));
    case '551d1e': {
      const lists = splitElements(contentsOf(value)).map(
        (list) => [list[0] ?? 0, splitElements(contentsOf(list)).filter((subtree) => isRead(contentsOf(subtree)))] as const,
      );
      return element(0x30, ...lists.filter(([, subtrees]) => subtrees.length > 0).map(([tag, subtrees]) => element(tag, ...subtrees)));
    }
    case '551d23':
      return element(0x30, ...splitElements(contentsOf(value)).filter(([tag], index) => index === 0 && tag === 0x80));
    default:
      return value;
  }
}

function isRead([tag]: Uint8Array): boolean {
  return tag === 0x86 || tag === 0x82;
}
