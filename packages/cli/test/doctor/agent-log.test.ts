import { execFileSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MAX_LOG_BYTES, readAgentLog, readLogEnd } from '../../src/doctor/live/agent-log.ts';
import { openDirectory } from '../support/directory.ts';

const start = 'time="2026-11-24T15:26:41Z" level=info msg="Starting agent" data_dir=/var/lib/spire version=1.15.2';
const attested =
  'time="2026-11-24T15:26:42Z" level=info msg="Node attestation was successful" reattestable=false spiffe_id="spiffe://example.org/spire/agent/join_token/a" subsystem_name=attestor trust_domain_id="spiffe://example.org"';

function failed(error: string): string {
  return `time="2026-11-24T15:26:43Z" level=warning msg="Failed to retrieve attestation result" error=${JSON.stringify(error)} retry_interval=5s`;
}

function read(...lines: readonly string[]) {
  return readAgentLog('agent.log', lines.join('\n'), 42);
}

describe('the log of an agent', () => {
  // The words of SPIRE 1.15.2; e2e/spire/doctor provokes all but the last, which stands for what is new.
  it.each([
    ['failed to receive attestation response: rpc error: code = InvalidArgument desc = join token expired', 'token-expired'],
    ['rpc error: code = InvalidArgument desc = failed to attest: join token does not exist or has already been used', 'token-used'],
    ['rpc error: code = InvalidArgument desc = nodeattestor(join_token): join token was not provided', 'token-missing'],
    [
      'authentication handshake failed: x509svid: could not verify leaf certificate: x509: certificate signed by unknown authority',
      'bundle-wrong',
    ],
    ['could not parse trust bundle: open /opt/spire/bundle.pem: no such file or directory', 'bundle-missing'],
    ['x509bundle: no X.509 bundle found for trust domain: "example.org"', 'trust-domain'],
    ['x509: certificate has expired or is not yet valid: current time 2026-11-24T15:26:43Z is before 2026-11-24T16:26:43Z', 'clock'],
    ['transport: Error while dialing: dial tcp 127.0.0.1:8081: connect: connection refused', 'server-unreachable'],
    ['transport: Error while dialing: dial tcp: lookup spire-server: no such host', 'server-unreachable'],
    ['something that no release has said', 'failed'],
  ])('tells from %j that it is %s', (error, kind) => {
    expect(read(start, failed(error)).trouble).toMatchObject({ kind, text: expect.stringContaining(error) });
  });

  it('is about the last run alone', () => {
    const text = [start, failed('join token expired'), start, attested];
    expect(read(...text)).toMatchObject({ attested: true, trouble: undefined, agentId: 'spiffe://example.org/spire/agent/join_token/a' });
    expect(read(...text, start)).toMatchObject({ attested: false, trouble: undefined, agentId: undefined });
  });

  it('says that a token had expired, also when the server has forgotten it since', () => {
    const forgotten = failed('join token does not exist or has already been used');
    expect(read(start, failed('join token expired'), forgotten, forgotten).trouble?.kind).toBe('token-expired');
    expect(read(start, forgotten).trouble?.kind).toBe('token-used');
  });

  it('loses its server, and has it back when it gets something from it', () => {
    const lost =
      'time="2026-11-24T15:28:16Z" level=error msg="Synchronize failed" error="rpc error: code = Unavailable desc = connect: connection refused" subsystem_name=manager';
    const news =
      'time="2026-11-24T15:28:20Z" level=info msg="Renewing X509-SVID" spiffe_id="spiffe://example.org/web" subsystem_name=manager';
    expect(read(start, attested, lost).lostServer?.kind).toBe('server-unreachable');
    expect(read(start, attested, lost, news).lostServer).toBeUndefined();
    expect(read(start, attested, lost, news)).toMatchObject({ attested: true, newest: Date.parse('2026-11-24T15:28:20Z') });
  });

  it('shows what the agent saw of a process, at level DEBUG and with log_selectors', () => {
    const debug =
      'time="2026-11-24T15:27:14Z" level=debug msg="PID attested to have selectors" pid=42 selectors="[type:\\"unix\\"  value:\\"uid:0\\" type:\\"unix\\"  value:\\"user:root\\"]" subsystem_name=workload_attestor';
    expect(read(start, attested, debug).selectors).toEqual(['unix:uid:0', 'unix:user:root']);
    expect(read(start, attested, debug.replace('pid=42', 'pid=43')).selectors).toBeUndefined();
    const logged =
      'time="2026-11-24T15:27:14Z" level=error msg="No identity issued" method=FetchX509SVID pid=42 registered=false selectors="unix:gid:0,unix:uid:0"';
    expect(read(start, attested, logged).selectors).toEqual(['unix:gid:0', 'unix:uid:0']);
  });

  it('is read as JSON too, and behind what a journal or a container puts before it', () => {
    const json = (fields: object): string => JSON.stringify({ level: 'warning', time: '2026-11-24T15:26:43Z', ...fields });
    const log = read(
      `spire-agent-1  | ${json({ msg: 'Starting agent' })}`,
      `Nov 24 15:26:43 host spire-agent[7]: ${json({ msg: 'Failed to retrieve attestation result', error: 'join token expired' })}`,
    );
    expect(log.trouble).toMatchObject({ kind: 'token-expired', time: Date.parse('2026-11-24T15:26:43Z') });
    expect(read(`Nov 24 host spire-agent[7]: ${start}`, `x | ${failed('join token expired')}`).trouble?.kind).toBe('token-expired');
  });

  it('may be anything', () => {
    for (const text of ['', 'hello\nworld', '{"', '{"msg":1}', 'msg="', '\0\0', `msg=${'"\\'.repeat(50_000)}`, 'level=info msg="\\x"']) {
      expect(() => readAgentLog('x', text, 1)).not.toThrow();
    }
    expect(read('hello').lines).toBe(0);
    expect(read(failed('x'.repeat(100_000))).trouble?.text.length).toBeLessThanOrEqual(500);
  });
});

describe('the end of a file', () => {
  it('is at most so many bytes, from the beginning of a line', async () => {
    await using directory = await openDirectory();
    const file = join(directory.path, 'log');
    await writeFile(file, `${'x'.repeat(MAX_LOG_BYTES)}\nlast\n`);
    expect(readLogEnd(file)).toBe('last\n');
    await writeFile(file, 'first\nlast\n');
    expect(readLogEnd(file)).toBe('first\nlast\n');
  });

  it('is not waited for: a pipe, a directory and nothing are refused', async () => {
    await using directory = await openDirectory();
    const pipe = join(directory.path, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const path of [pipe, directory.path, join(directory.path, 'none')]) {
      expect(() => readLogEnd(path)).toThrow(expect.objectContaining({ code: 'ERR_OPTION_INVALID' }));
    }
    await rm(pipe);
  });
});
