// A trust domain in; the extension out that keeps an authority to it: whatever it signs, an ID of another trust domain is refused by whoever verifies
// (RFC 5280 section 4.2.1.10, SPIFFE X509-SVID section 4.2).
import { Extension } from '@peculiar/x509';

const NAME_CONSTRAINTS = '2.5.29.30';
const TAG = { sequence: 0x30, permitted: 0xa0, uri: 0x86 } as const;
/** Below it a length is one byte. */
const SHORT = 0x80;

/** Permits URIs of this host, and no other; names of other kinds are left as they are. */
export function trustDomainConstraint(domain: string): Extension {
  const subtree = encode(TAG.sequence, encode(TAG.uri, Buffer.from(domain, 'ascii')));
  return new Extension(NAME_CONSTRAINTS, true, encode(TAG.sequence, encode(TAG.permitted, subtree)));
}

function encode(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const head = length < SHORT ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}
