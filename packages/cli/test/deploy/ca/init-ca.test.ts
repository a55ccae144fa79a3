import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { initCa } from '../../../src/deploy/ca/init-ca.ts';
import { asked, contentsOf, days, folders, hour, now } from './folders.ts';

describe('the authority of a trust domain', () => {
  it('is a root in one directory and, below it, what servers sign under in the other', async () => {
    const at = folders();
    expect(await initCa(asked(at))).toEqual([
      { what: 'root', state: 'new', path: join(at.offline, 'root.crt'), until: days(3650), due: expect.any(Date), late: false },
      { what: 'upstream authority', state: 'new', path: join(at.out, 'tls.crt'), until: days(365), due: expect.any(Date), late: false },
    ]);
    expect(Object.keys(contentsOf(at.offline))).toEqual(['root.crt', 'root.key']);
    expect(Object.keys(contentsOf(at.out))).toEqual(['ca.crt', 'tls.crt', 'tls.key']);
    const read = (path: string): string => readFileSync(join(at.base, path), 'utf8');
    const [root, upstream] = [new X509Certificate(read('vault/root.crt')), new X509Certificate(read('upstream/tls.crt'))];
    expect(read('upstream/ca.crt')).toBe(read('vault/root.crt'));
    expect(upstream.checkIssued(root) && upstream.verify(root.publicKey)).toBe(true);
    expect(upstream.checkPrivateKey(createPrivateKey(read('upstream/tls.key')))).toBe(true);
    expect([root, upstream].map(({ ca, subject, subjectAltName }) => [ca, subject, subjectAltName])).toEqual([
      [true, 'O=prod.acme.com\nCN=prod.acme.com root', 'URI:spiffe://prod.acme.com'],
      [true, 'O=prod.acme.com\nCN=prod.acme.com upstream', 'URI:spiffe://prod.acme.com'],
    ]);
  });

  it('leaves the key of the root nowhere but in the directory that is carried away', async () => {
    const at = folders();
    await initCa(asked(at));
    const { d } = createPrivateKey(readFileSync(join(at.offline, 'root.key'))).export({ format: 'jwk' });
    const secret = Buffer.from(d ?? '', 'base64url');
    expect(secret.length).toBe(32);
    for (const text of Object.values(contentsOf(at.out))) {
      for (const part of text.match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g) ?? []) {
        const der = Buffer.from(part.replace(/-----[^-]+-----/g, ''), 'base64');
        expect(der.includes(secret)).toBe(false);
      }
      expect(text).not.toContain(d);
    }
    const own = createPrivateKey(readFileSync(join(at.out, 'tls.key'))).export({ format: 'jwk' });
    expect(own.d).not.toBe(d);
  });

  it('is for its owner alone, whatever the umask', async () => {
    const at = folders();
    const before = process.umask(0);
    onTestFinished(() => void process.umask(before));
    await initCa(asked(at));
    const files = [at.offline, at.out].flatMap((directory) => Object.keys(contentsOf(directory)).map((name) => join(directory, name)));
    expect(files.map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600, 0o600, 0o600, 0o600]);
    expect([at.offline, at.out].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o700]);
  });

  it('is kept by a second run, also when the lives that it asks for are others', async () => {
    const at = folders();
    await initCa(asked(at));
    const before = contentsOf(at.base);
    const again = await initCa(asked(at, { lives: { root: 900, upstream: 90 } }));
    expect(again.map(({ state, until }) => [state, until])).toEqual([
      ['kept', days(3650)],
      ['kept', days(365)],
    ]);
    expect(contentsOf(at.base)).toEqual(before);
  });

  it('is only told of in a dry run', async () => {
    const at = folders();
    expect((await initCa(asked(at, { dryRun: true }))).map(({ state, until }) => [state, until])).toEqual([
      ['new', days(3650)],
      ['new', days(365)],
    ]);
    expect([existsSync(at.offline), existsSync(at.out)]).toEqual([false, false]);
  });

  it('is due a quarter of its life before its end, or a whole life of what it signs', async () => {
    const [, year] = await initCa(asked(folders()));
    expect(year?.due.getTime()).toBeCloseTo(days(365 - 365 / 4).getTime(), -6);
    const [, month] = await initCa(asked(folders(), { lives: { root: 3650, upstream: 20 } }));
    expect(month?.due).toEqual(days(13));
  });

  it.each(['P-256', 'P-384'] as const)('has keys on %s when that is asked for', async (curve) => {
    const at = folders();
    await initCa(asked(at, { curve }));
    const names = { 'P-256': 'prime256v1', 'P-384': 'secp384r1' };
    for (const path of [join(at.offline, 'root.key'), join(at.out, 'tls.key')])
      expect(createPrivateKey(readFileSync(path)).asymmetricKeyDetails?.namedCurve).toBe(names[curve]);
  });
});

describe('the directories of the root and of the servers', () => {
  it.each([
    ['are one', 'ca', 'ca'],
    ['are one, said otherwise', 'ca', 'ca/../ca/.'],
    ['are one inside of the other', 'ca/vault', 'ca'],
    ['are the other inside of the one', 'ca', 'ca/upstream'],
  ])('are refused when they %s', async (_what, offline, out) => {
    const { base } = folders();
    const options = asked({ base, offline: join(base, offline), out: `${base}/${out}` });
    await expect(initCa(options)).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining('are not apart') });
    expect(contentsOf(base)).toEqual({});
  });

  it('are refused when a link makes them one', async () => {
    const at = folders();
    mkdirSync(at.out);
    symlinkSync(at.out, join(at.base, 'link'));
    await expect(initCa(asked(at, { offline: join(at.base, 'link', 'vault') }))).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' });
    expect(contentsOf(at.base)).toEqual({});
  });

  it('may begin alike', async () => {
    const at = folders();
    await expect(initCa(asked(at, { offline: `${at.out}-root` }))).resolves.toHaveLength(2);
  });
});

describe('what is refused, before anything is written', () => {
  it.each<[string, Partial<Parameters<typeof initCa>[0]>, string]>([
    ['an upstream authority that ends with what it signs', { lives: { root: 3650, upstream: 7 } }, '7 days are no longer than'],
    ['an upstream authority that outlives the root', { lives: { root: 100, upstream: 101 } }, '101 days from now the root has ended'],
    ['a longer ca_ttl', { authority: 366 * 24 * hour }, '365 days are no longer than'],
    ['an address as a trust domain', { domain: '10.0.0.1' }, '10.0.0.1 is an address'],
  ])('%s', async (_what, changes, message) => {
    const at = folders();
    await expect(initCa(asked(at, changes))).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining(message),
    });
    expect(contentsOf(at.base)).toEqual({});
  });

  it('no trust domain', async () => {
    await expect(initCa(asked(folders(), { domain: 'Prod' }))).rejects.toMatchObject({ code: 'ERR_TRUST_DOMAIN_INVALID' });
  });

  it.each<[string, (at: ReturnType<typeof folders>) => void, string]>([
    ['a root without what is below it', ({ out }) => rmSync(out, { recursive: true }), 'a root is in'],
    ['what is below a root that is not there', ({ offline }) => rmSync(offline, { recursive: true }), 'its root is not in'],
    ['half of a root', ({ offline }) => rmSync(join(offline, 'root.key')), 'root.key is not'],
    ['a key of the root that others may read', ({ offline }) => chmodSync(join(offline, 'root.key'), 0o644), 'others may read'],
    ['keys that were swapped', ({ offline, out }) => swap(join(offline, 'root.key'), join(out, 'tls.key')), 'is not the key of'],
  ])('%s', async (_what, harm, message) => {
    const at = folders();
    await initCa(asked(at));
    harm(at);
    const before = contentsOf(at.base);
    await expect(initCa(asked(at))).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining(message) });
    expect(contentsOf(at.base)).toEqual(before);
  });

  it('another trust domain than the one that is there', async () => {
    const at = folders();
    await initCa(asked(at));
    await expect(initCa(asked(at, { domain: 'test.acme.com' }))).rejects.toMatchObject({
      message: `the root in ${at.offline} is of prod.acme.com`,
    });
  });

  it('an upstream authority below another root', async () => {
    const [at, other] = [folders(), folders()];
    await initCa(asked(at));
    await initCa(asked(other));
    await expect(initCa(asked(at, { out: other.out }))).rejects.toMatchObject({ message: expect.stringContaining('was not signed by') });
  });

  it('a root that has expired', async () => {
    const at = folders();
    await initCa(asked(at));
    await expect(initCa(asked(at, { now: days(3651, now) }))).rejects.toMatchObject({ message: expect.stringContaining('expired on') });
  });
});

function swap(one: string, other: string): void {
  renameSync(one, `${one}.was`);
  renameSync(other, one);
  renameSync(`${one}.was`, other);
}
