import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createTestAuthority, openDevAgent } from '@ephemos/dev';
import { describe, expect, it } from 'vitest';
import { openDirectory } from '../support/directory.ts';
import { ephemos } from '../support/ephemos.ts';

const trustDomain = 'example.org';
const web = 'spiffe://example.org/web';

/** Dates and what is left of them, which differ from run to run. */
function normalised(text: string): string {
  return text.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, '<time>').replaceAll(/(\d+ (d|h|min|s|ms) ?)+left/g, '<life> left');
}

describe('ephemos whoami', () => {
  it('shows identities and bundles in aligned columns', async () => {
    await using agent = await openDevAgent({ trustDomain, intermediate: true, identities: [{ id: web, hint: 'public' }] });
    agent.federate('partner.example', await createTestAuthority('partner.example').bundleDer());
    const api = 'spiffe://example.org/api';
    const endpoint = await agent.endpointFor([web, api]);
    await agent.rotateAuthority({ overlap: true });
    const { code, stdout, stderr } = await ephemos(['whoami', '--socket', endpoint]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(normalised(stdout)).toBe(
      [
        'spiffe://example.org/web  (default)',
        '  hint   public',
        '  valid  <time> to <time>',
        '  life   <life> left',
        '  chain  2 certificates',
        '  key    EC P-256',
        '',
        'spiffe://example.org/api',
        '  valid  <time> to <time>',
        '  life   <life> left',
        '  chain  2 certificates',
        '  key    EC P-256',
        '',
        'trust bundles',
        '  example.org      2 authorities  until <time>  <life> left',
        '                                  until <time>  <life> left',
        '  partner.example  1 authority    until <time>  <life> left',
        '',
      ].join('\n'),
    );
  });

  it('takes the endpoint from SPIFFE_ENDPOINT_SOCKET and prints one document', async () => {
    await using agent = await openDevAgent({ trustDomain, keyType: 'rsa-2048' });
    const endpoint = await agent.endpointFor(web);
    const { code, stdout } = await ephemos(['whoami', '--format', 'json'], { env: { SPIFFE_ENDPOINT_SOCKET: endpoint } });
    expect(code).toBe(0);
    const iso = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const root = expect.stringContaining('CN=example.org root');
    expect(JSON.parse(stdout)).toEqual({
      endpoint,
      svids: [
        { id: web, hint: '', notBefore: iso, notAfter: iso, remainingSeconds: expect.any(Number), chainLength: 1, keyType: 'RSA 2048' },
      ],
      bundles: [
        {
          trustDomain,
          authorities: [
            { subject: root, issuer: root, uris: ['spiffe://example.org'], ca: true, notBefore: iso, notAfter: iso, keyType: 'RSA 2048' },
          ],
          unreadable: 0,
        },
      ],
    });
  });

  it('ends with 4 and the command that mends it when no identity is issued', async () => {
    await using agent = await openDevAgent({ trustDomain });
    const endpoint = await agent.endpointFor(web);
    await agent.remove(web);
    const { code, stdout, stderr } = await ephemos(['whoami', '--socket', endpoint]);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toContain('error: the Workload API grants no identity: no identity issued\nhint: ');
    expect(stderr).toContain('ephemos dev restore <id>');
  });

  it('shows an identity that has expired, and ends with 4', async () => {
    await using agent = await openDevAgent({ trustDomain });
    const endpoint = await agent.endpointFor(web);
    await agent.faults.expire(web);
    const { code, stdout, stderr } = await ephemos(['whoami', '--socket', endpoint]);
    expect(code).toBe(4);
    expect(stdout).toMatch(/life {3}expired .* ago/);
    expect(stderr).toContain(`error: ${web} expired at`);
  });

  it('ends with 1 when the agent hangs, after the time it was given', async () => {
    await using directory = await openDirectory();
    const path = join(directory.path, 'agent.sock');
    const silent = createServer((socket) => socket.on('error', () => undefined)).listen(path);
    await once(silent, 'listening');
    const end = await ephemos(['whoami', '--socket', `unix://${path}`, '--timeout', '300ms']);
    expect(end).toMatchObject({ code: 1, stderr: expect.stringContaining('did not answer within 300 ms\nhint: ') });
    silent.close();
  });

  it('ends with 1 when the agent has stopped and left its socket', async () => {
    await using directory = await openDirectory();
    const path = join(directory.path, 'agent.sock');
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
    const killed = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(killed.stdout, 'data');
    killed.kill('SIGKILL');
    await once(killed, 'close');
    const end = await ephemos(['whoami', '--socket', `unix://${path}`, '--format', 'json']);
    expect(end.code).toBe(1);
    expect(JSON.parse(end.stderr)).toMatchObject({ error: { code: 'ERR_WORKLOAD_API_UNAVAILABLE' }, exitCode: 1 });
  });

  it('shows a hint that would draw on the terminal as escapes', async () => {
    await using agent = await openDevAgent({ trustDomain, identities: [{ id: web, hint: '\u001b[31mred\u202e' }] });
    const endpoint = await agent.endpointFor(web);
    const text = await ephemos(['whoami', '--socket', endpoint]);
    expect(text.stdout).toContain('hint   \\u{1b}[31mred\\u{202e}');
    const json = await ephemos(['whoami', '--socket', endpoint, '--format', 'json']);
    expect(json.stdout).not.toContain('\u202e');
    expect(JSON.parse(json.stdout).svids[0].hint).toBe('\u001b[31mred\u202e');
  });
});
