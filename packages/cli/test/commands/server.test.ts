// agents, bundle and token, on a SPIRE server that this process plays; e2e/spire/entries runs them on a real one.
import { X509Certificate } from 'node:crypto';
import { Code, ConnectError } from '@connectrpc/connect';
import { createTestAuthority } from '@ephemos/dev';
import { describe, expect, it } from 'vitest';
import { ephemos } from '../support/ephemos.ts';
import { openSpireServer } from '../support/spire-server.ts';

const hour = 3_600;

describe('ephemos agents', () => {
  it('lists who is attested, how, until when, and who is banned', async () => {
    await using fake = await openSpireServer();
    const now = Math.floor(Date.now() / 1000);
    fake.agents.push(
      {
        id: { trustDomain: 'example.org', path: '/spire/agent/x509pop/b' },
        attestationType: 'x509pop',
        x509svidExpiresAt: BigInt(now + hour),
        selectors: [{ type: 'x509pop', value: 'subject:cn:b' }],
        canReattest: true,
        agentVersion: '1.15.2',
      },
      {
        id: { trustDomain: 'example.org', path: '/spire/agent/join_token/a' },
        attestationType: 'join_token',
        x509svidExpiresAt: BigInt(now - hour),
        banned: true,
      },
    );
    const { code, stdout } = await ephemos(['agents', 'list', '--server', fake.address]);
    expect(code).toBe(0);
    expect(stdout.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, '<time>').replaceAll(/(59 min \d+ s|1 h( \d+ s)?)/g, '<span>')).toBe(
      `spiffe://example.org/spire/agent/join_token/a  banned
    attested  by join_token, cannot attest again
    expires   <time>, expired <span> ago

spiffe://example.org/spire/agent/x509pop/b
    attested   by x509pop, can attest again
    expires    <time>, <span> left
    version    1.15.2
    selectors  x509pop:subject:cn:b

2 agents
`,
    );
    const json = await ephemos(['agents', 'list', '--format', 'json', '--server', fake.address]);
    expect(JSON.parse(json.stdout)).toEqual({
      agents: [
        {
          spiffeId: 'spiffe://example.org/spire/agent/join_token/a',
          attestationType: 'join_token',
          banned: true,
          canReattest: false,
          agentVersion: null,
          selectors: [],
          expiresAt: new Date((now - hour) * 1000).toISOString(),
          remainingSeconds: expect.any(Number),
        },
        expect.objectContaining({ agentVersion: '1.15.2', canReattest: true, selectors: ['x509pop:subject:cn:b'] }),
      ],
    });
  });

  it('evicts one, and says when there is none', async () => {
    await using fake = await openSpireServer();
    const id = 'spiffe://example.org/spire/agent/join_token/a';
    fake.agents.push({ id: { trustDomain: 'example.org', path: '/spire/agent/join_token/a' } });
    expect(await ephemos(['agents', 'evict', id, '--server', fake.address])).toMatchObject({ code: 0, stdout: `evicted ${id}\n` });
    expect(fake.agents).toEqual([]);
    const none = await ephemos(['agents', 'evict', id, '--server', fake.address, '--format', 'json']);
    expect(none).toMatchObject({ code: 1, stdout: '' });
    expect(JSON.parse(none.stderr)).toMatchObject({ error: { code: 'ERR_SPIRE_AGENT_NOT_FOUND' }, exitCode: 1 });
  });
});

describe('ephemos token generate', () => {
  it('prints the token alone, or a document', async () => {
    await using fake = await openSpireServer();
    const token = 'c0ffee00-0000-4000-8000-000000000000';
    expect(await ephemos(['token', 'generate', '--server', fake.address])).toMatchObject({ code: 0, stdout: `${token}\n`, stderr: '' });
    const alias = 'spiffe://example.org/node/db-1';
    const json = await ephemos(['token', 'generate', '--ttl', '1h', '--alias', alias, '--server', fake.address, '--format', 'json']);
    expect(JSON.parse(json.stdout)).toEqual({ token, expiresAt: '2027-01-15T08:00:00.000Z', alias });
    expect(fake.calls).toEqual(['createJoinToken 600', 'createJoinToken 3600 /node/db-1']);
  });
});

describe('ephemos bundle show', () => {
  it('prints the authorities as PEM, or all of the bundle as SPIFFE has it', async () => {
    await using fake = await openSpireServer();
    const [der = new Uint8Array()] = await createTestAuthority('example.org').bundleDer();
    const certificate = new X509Certificate(der);
    const publicKey = certificate.publicKey.export({ format: 'der', type: 'spki' });
    fake.bundle = {
      trustDomain: 'example.org',
      x509Authorities: [{ asn1: der }],
      jwtAuthorities: [{ publicKey, keyId: 'k1' }],
      sequenceNumber: 7n,
      refreshHint: 60n,
    };
    const pem = await ephemos(['bundle', 'show', '--server', fake.address]);
    expect(pem).toMatchObject({ code: 0, stdout: certificate.toString(), stderr: '' });
    const { kty, crv, x, y } = certificate.publicKey.export({ format: 'jwk' });
    const json = await ephemos(['bundle', 'show', '--format', 'json', '--server', fake.address]);
    expect(JSON.parse(json.stdout)).toEqual({
      keys: [
        { kty, crv, x, y, use: 'x509-svid', x5c: [Buffer.from(der).toString('base64')] },
        { kty, crv, x, y, use: 'jwt-svid', kid: 'k1' },
      ],
      spiffe_sequence: 7,
      spiffe_refresh_hint: 60,
    });
  });
});

describe('a server that does not allow it', () => {
  it.each(['agents list', 'bundle show', 'token generate', 'entries list'])('makes "ephemos %s" end with 4', async (command) => {
    await using fake = await openSpireServer();
    fake.failWith = new ConnectError('authorization denied for method /x', Code.PermissionDenied);
    const end = await ephemos([...command.split(' '), '--server', fake.address]);
    expect(end).toMatchObject({ code: 4, stdout: '' });
    expect(end.stderr).toMatch(/^error: the server at unix:\S+ does not allow this: authorization denied for method \/x\nhint: .*\n$/);
  });
});

describe('the help', () => {
  it.each([
    'entries',
    'entries apply',
    'entries diff',
    'entries list',
    'entries export',
    'entries delete',
    'agents',
    'agents list',
    'agents evict',
    'bundle',
    'bundle show',
    'token',
    'token generate',
  ])('of "ephemos %s" has an example, --format where there is output, and the exit codes', async (path) => {
    const { code, stdout, stderr } = await ephemos([...path.split(' '), '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`Usage: ephemos ${path}`);
    expect(stdout).toMatch(/\nExamples:\n {2}\$ ephemos/);
    expect(stdout).toMatch(/\nExit codes:\n {2}0 .*\n {2}1 .*\n {2}2 .*\n {2}3 .*\n {2}4 /);
    if (path.includes(' ')) expect(stdout).toContain('--format <format>');
  });
});
