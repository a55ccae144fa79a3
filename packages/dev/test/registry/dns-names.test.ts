import { X509Certificate } from 'node:crypto';
import { createTestAuthority } from '@ephemos/dev';
import { isEphemosError } from 'ephemos/errors';
import { describe, expect, it } from 'vitest';

const ORDERS = 'spiffe://example.org/orders';

function leafOf({ chain: [leaf] }: { readonly chain: readonly Uint8Array[] }): X509Certificate {
  return new X509Certificate(leaf ?? Buffer.alloc(0));
}

describe('an entry with DNS names', () => {
  it('gets them as SANs behind its SPIFFE ID, and the first one as its common name, at every rotation', async () => {
    const authority = createTestAuthority('example.org');
    await using source = await authority.openX509Source(ORDERS, { dnsNames: ['orders', 'orders.shop.svc'] });
    for (let round = 0; round < 2; round += 1) {
      const { svid } = source;
      const leaf = leafOf(svid);
      expect(leaf.subject).toBe('O=Ephemos development\nCN=orders');
      expect(leaf.subjectAltName).toBe(`URI:${ORDERS}, DNS:orders, DNS:orders.shop.svc`);
      const rotated = new Promise<void>((resolve) => source.subscribe(() => resolve()));
      await authority.rotate();
      await rotated;
      expect(source.svid).not.toBe(svid);
    }
  });

  it('has no common name without one', async () => {
    await using source = await createTestAuthority('example.org').openX509Source(ORDERS);
    expect(leafOf(source.svid).subject).toBe('O=Ephemos development');
  });

  it.each([['with, CN=other'], ['Upper'], [''], ['-x'], ['a..b'], ['x'.repeat(65)]])('refuses the name %j', async (name) => {
    const attempt = createTestAuthority('example.org').openX509Source(ORDERS, { dnsNames: [name] });
    await expect(attempt).rejects.toSatisfy((error) => isEphemosError(error, 'ERR_OPTION_INVALID'));
  });
});
