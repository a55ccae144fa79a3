import { createTestAuthority } from '@ephemos/dev';
import { describe, expect, it } from 'vitest';

const web = 'spiffe://example.org/web';

describe('an in-memory source of the test authority', () => {
  it('holds the SVID and the bundle of its trust domain', async () => {
    const authority = createTestAuthority('example.org', { intermediate: true });
    await using source = await authority.openX509Source(web, { hint: 'public' });
    expect(String(source.svid.id)).toBe(web);
    expect(source.svid.hint).toBe('public');
    expect(source.svid.chain).toHaveLength(2);
    expect(source.bundles.get(authority.trustDomain)?.equals(await authority.bundle())).toBe(true);
  });

  it('takes every rotation', async () => {
    const authority = createTestAuthority('example.org');
    await using source = await authority.openX509Source(web);
    const first = source.svid;
    const changed = nextChange(source);
    await authority.rotate();
    await changed;
    expect(source.svid.equals(first)).toBe(false);
  });

  it('learns a new root before any SVID of it when authorities overlap', async () => {
    const authority = createTestAuthority('example.org');
    await using source = await authority.openX509Source(web);
    await using other = await authority.openX509Source('spiffe://example.org/api');
    const seen: [number, boolean][] = [];
    const before = source.svid;
    const stop = source.subscribe(() => seen.push([source.bundles.get(authority.trustDomain)?.size ?? 0, source.svid.equals(before)]));
    const unrelated = other.svid;
    await authority.rotateAuthority({ overlap: true });
    await until(source, () => !source.svid.equals(before));
    stop();
    expect(seen).toEqual([
      [2, true],
      [2, false],
    ]);
    await until(other, () => !other.svid.equals(unrelated));
    await authority.retireAuthorities();
    await until(source, () => source.bundles.get(authority.trustDomain)?.size === 1);
  });

  it('loses the old root at once when authorities do not overlap', async () => {
    const authority = createTestAuthority('example.org');
    await using source = await authority.openX509Source(web);
    const before = source.bundles.get(authority.trustDomain);
    const changed = nextChange(source);
    await authority.rotateAuthority({ overlap: false });
    await changed;
    const after = source.bundles.get(authority.trustDomain);
    expect(after?.size).toBe(1);
    expect(before && after?.equals(before)).toBe(false);
  });

  it('loses its identity when it is withdrawn, and gets a new one when it is restored', async () => {
    const authority = createTestAuthority('example.org');
    await using source = await authority.openX509Source(web);
    await using untouched = await authority.openX509Source('spiffe://example.org/api');
    const withdrawn = nextChange(source);
    await authority.withdraw(web);
    await withdrawn;
    expect(() => source.svid).toThrow(expect.objectContaining({ code: 'ERR_IDENTITY_WITHDRAWN' }));
    expect(untouched.health.state).toBe('ready');
    const restored = nextChange(source);
    await authority.restore(web);
    await restored;
    expect(String(source.svid.id)).toBe(web);
  });

  it('keeps its hint apart from a source of the same ID with another, through a withdrawal too', async () => {
    const authority = createTestAuthority('example.org');
    await using source = await authority.openX509Source(web, { hint: 'a' });
    await using other = await authority.openX509Source(web, { hint: 'b' });
    expect([source.svids.length, source.svid.hint, other.svid.hint]).toEqual([1, 'a', 'b']);
    await authority.withdraw(web);
    await authority.restore(web);
    await until(other, () => other.health.state === 'ready');
    await until(source, () => source.health.state === 'ready');
    expect([source.svid.hint, other.svid.hint]).toEqual(['a', 'b']);
  });

  it('expires on demand', async () => {
    const authority = createTestAuthority('example.org');
    await using source = await authority.openX509Source(web);
    const changed = nextChange(source);
    await authority.expire(web);
    await changed;
    expect(source.health.state).toBe('expired');
  });

  it('holds federated bundles from the start, follows their changes, and drops them', async () => {
    const authority = createTestAuthority('example.org');
    const partner = createTestAuthority('partner.example');
    authority.federate(partner);
    await using source = await authority.openX509Source(web);
    expect(source.bundles.get(partner.trustDomain)?.equals(await partner.bundle())).toBe(true);
    const changed = nextChange(source);
    await partner.rotateAuthority({ overlap: false });
    await changed;
    expect(source.bundles.get(partner.trustDomain)?.equals(await partner.bundle())).toBe(true);
    const dropped = nextChange(source);
    authority.unfederate(partner.trustDomain);
    await dropped;
    expect(source.bundles.get(partner.trustDomain)).toBeUndefined();
  });

  it('keeps the bundles of two trust domains with the same name apart: only one of them can be federated', async () => {
    const authority = createTestAuthority('example.org');
    const impostor = createTestAuthority('example.org');
    expect((await authority.bundle()).equals(await impostor.bundle())).toBe(false);
    expect(() => authority.federate(impostor)).toThrow(expect.objectContaining({ code: 'ERR_TRUST_DOMAIN_INVALID' }));
  });
});

interface Changing {
  subscribe(listener: () => void): () => void;
}

function nextChange(source: Changing): Promise<void> {
  let changed = false;
  const done = until(source, () => changed);
  source.subscribe(() => {
    changed = true;
  });
  return done;
}

/** Resolves as soon as the condition holds, looked at now and after every change. */
function until(source: Changing, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    function check(): void {
      if (!condition()) return;
      stop();
      resolve();
    }
    const stop = source.subscribe(() => queueMicrotask(check));
    check();
  });
}
