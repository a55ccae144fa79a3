import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { initCa } from '../../../src/deploy/ca/init-ca.ts';
import { renewCa } from '../../../src/deploy/ca/renew-ca.ts';
import { asked, contentsOf, days, folders, hour, now, renewal } from './folders.ts';

async function made(): Promise<ReturnType<typeof folders>> {
  const at = folders();
  await initCa(asked(at));
  return at;
}

describe('renewing an upstream authority', () => {
  it('changes nothing before it is due', async () => {
    const at = await made();
    const before = contentsOf(at.base);
    expect(await renewCa(renewal(at, { now: days(273) }))).toMatchObject({ state: 'kept', until: days(365), late: false });
    expect(contentsOf(at.base)).toEqual(before);
  });

  it('signs another one when it is due, below the same root, with a key of its own; the one before stays good', async () => {
    const at = await made();
    const before = contentsOf(at.out);
    const later = days(274);
    expect(await renewCa(renewal(at, { now: later, dryRun: true }))).toMatchObject({ state: 'renewed', until: days(365, later) });
    expect(contentsOf(at.out)).toEqual(before);
    expect(await renewCa(renewal(at, { now: later }))).toMatchObject({ state: 'renewed', until: days(365, later), late: false });
    const after = contentsOf(at.out);
    expect(Object.keys(after)).toEqual(['ca.crt', 'tls.crt', 'tls.key']);
    expect(after['ca.crt']).toBe(before['ca.crt']);
    expect([after['tls.crt'] === before['tls.crt'], after['tls.key'] === before['tls.key']]).toEqual([false, false]);
    const root = new X509Certificate(after['ca.crt'] ?? '');
    for (const text of [before['tls.crt'], after['tls.crt']]) expect(new X509Certificate(text ?? '').verify(root.publicKey)).toBe(true);
    // A second run changes nothing.
    expect(await renewCa(renewal(at, { now: later }))).toMatchObject({ state: 'kept' });
    expect(contentsOf(at.out)).toEqual(after);
    expect(Object.keys(contentsOf(at.offline))).toEqual(['root.crt', 'root.key']);
  });

  it('signs another one at once when it has to, and after the end of the one before', async () => {
    const at = await made();
    expect(await renewCa(renewal(at, { force: true }))).toMatchObject({ state: 'renewed' });
    expect(await renewCa(renewal(at, { now: days(400) }))).toMatchObject({ state: 'renewed', until: days(765) });
  });

  it('signs one for a server that has none yet, with the root beside it', async () => {
    const at = await made();
    const out = join(at.base, 'server-2');
    expect(await renewCa(renewal({ ...at, out }))).toMatchObject({ state: 'new', path: join(out, 'tls.crt') });
    expect(Object.keys(contentsOf(out))).toEqual(['ca.crt', 'tls.crt', 'tls.key']);
    expect(readFileSync(join(out, 'ca.crt'), 'utf8')).toBe(readFileSync(join(at.offline, 'root.crt'), 'utf8'));
    expect(statSync(join(out, 'tls.key')).mode & 0o777).toBe(0o600);
  });

  it('keeps other roots that stand beside its own, as while a root is replaced', async () => {
    const [at, next] = [await made(), await made()];
    const both = `${readFileSync(join(next.out, 'ca.crt'), 'utf8')}${readFileSync(join(at.out, 'ca.crt'), 'utf8')}`;
    writeFileSync(join(at.out, 'ca.crt'), both);
    await renewCa(renewal(at, { force: true }));
    expect(readFileSync(join(at.out, 'ca.crt'), 'utf8')).toBe(both);
  });

  it.runIf(process.geteuid?.() === 0)('leaves the files to whom they belong', async () => {
    const at = await made();
    const { chownSync } = await import('node:fs');
    for (const name of ['tls.crt', 'tls.key']) chownSync(join(at.out, name), 65_534, 65_533);
    await renewCa(renewal(at, { force: true }));
    const owners = ['tls.crt', 'tls.key'].map((name) => statSync(join(at.out, name))).map(({ uid, gid, mode }) => [uid, gid, mode & 0o777]);
    expect(owners).toEqual([
      [65_534, 65_533, 0o600],
      [65_534, 65_533, 0o600],
    ]);
  });

  it('takes an organization and a curve of its own', async () => {
    const at = folders();
    await initCa(asked(at, { organization: 'Acme, Inc.', curve: 'P-384' }));
    await renewCa(renewal(at, { force: true }));
    const upstream = new X509Certificate(readFileSync(join(at.out, 'tls.crt')));
    expect(upstream.subject).toContain('CN=Acme\\, Inc. upstream');
    expect(upstream.subjectAltName).toBe('URI:spiffe://prod.acme.com');
    expect(upstream.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(upstream.verify(new X509Certificate(readFileSync(join(at.offline, 'root.crt'))).publicKey)).toBe(true);
  });

  it.each<[string, (at: ReturnType<typeof folders>) => Partial<Parameters<typeof renewCa>[0]> | undefined, string]>([
    [
      'no root',
      ({ offline }) => {
        rmSync(offline, { recursive: true });
        return undefined;
      },
      'there is no root in',
    ],
    ['a life beyond that of the root', () => ({ now: days(3300) }), 'the root has ended'],
    ['a life no longer than ca_ttl', () => ({ force: true, days: 7 }), '7 days are no longer than'],
    ['a longer ca_ttl', () => ({ force: true, authority: 9000 * hour }), '365 days are no longer than'],
    ['directories that are not apart', ({ offline }) => ({ out: join(offline, 'out') }), 'are not apart'],
    [
      'half of an authority',
      ({ out }) => {
        rmSync(join(out, 'tls.key'));
        return undefined;
      },
      'tls.key is not',
    ],
    [
      'a file in the way',
      ({ base }) => {
        mkdirSync(join(base, 'x'));
        writeFileSync(join(base, 'x/tls.crt'), '', { mode: 0o600 });
        return { out: join(base, 'x') };
      },
      'tls.key is not',
    ],
  ])('is refused with %s', async (_what, harm, message) => {
    const at = await made();
    const changes = harm(at);
    const before = contentsOf(at.base);
    await expect(renewCa(renewal(at, changes ?? {}))).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining(message),
    });
    expect(contentsOf(at.base)).toEqual(before);
  });

  it('is refused below another root', async () => {
    const [at, other] = [await made(), await made()];
    await expect(renewCa(renewal({ ...at, offline: other.offline }, { force: true, now }))).rejects.toMatchObject({
      message: expect.stringContaining('was not signed by what is in the offline directory'),
    });
  });

  it('is refused with a root whose key is of a kind that nothing here makes', async () => {
    const at = await made();
    const extensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign', 'subjectAltName=URI:spiffe://prod.acme.com'];
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp521r1' });
    writeFileSync(join(at.offline, 'root.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const words = [
      'req',
      '-x509',
      '-key',
      join(at.offline, 'root.key'),
      '-out',
      join(at.offline, 'root.crt'),
      '-days',
      '4000',
      '-subj',
      '/O=Acme/CN=root',
    ];
    execFileSync('openssl', [...words, ...extensions.flatMap((each) => ['-addext', each])], { stdio: 'pipe' });
    const out = join(at.base, 'other');
    // Its life begins now.
    await expect(renewCa(renewal({ ...at, out }, { now: new Date() }))).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: `${join(at.offline, 'root.key')} cannot sign`,
    });
    expect(existsSync(out)).toBe(false);
  });
});
