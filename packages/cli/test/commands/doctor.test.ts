// ephemos doctor on the development agent and a server that this process plays; e2e/spire/doctor runs it on a real one.
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { Code, ConnectError } from '@connectrpc/connect';
import { createTestAuthority, openDevAgent } from '@ephemos/dev';
import { describe, expect, it } from 'vitest';
import { openDirectory } from '../support/directory.ts';
import { ephemos, type RunOptions } from '../support/ephemos.ts';
import { openSpireServer } from '../support/spire-server.ts';

const trustDomain = 'example.org';
const web = 'spiffe://example.org/web';
const hour = 3_600_000;

interface Finding {
  readonly id: string;
  readonly what: string;
  readonly evidence: readonly string[];
  readonly mends: readonly { readonly how: string; readonly lines: readonly string[] }[];
}

interface Report {
  readonly code: number | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly results: Readonly<Record<string, string>>;
  /** By what they are below the item. */
  readonly findings: ReadonlyMap<string, Finding>;
}

async function doctor(args: readonly string[], options?: RunOptions): Promise<Report> {
  const { code, stdout, stderr } = await ephemos(['doctor', '--live', '--format', 'json', ...args], options);
  expect(stderr).toBe('');
  const document: {
    counts: Record<string, number>;
    exitCode: number;
    items: { rules: { id: string; result: string; findings: Finding[] }[] }[];
  } = JSON.parse(stdout);
  expect(document.exitCode).toBe(code);
  const rules = document.items.flatMap((item) => item.rules);
  return {
    code,
    counts: document.counts,
    results: Object.fromEntries(rules.map(({ id, result }) => [id.replace(/^.*\./, ''), result])),
    findings: new Map(rules.flatMap(({ findings }) => findings.map((each) => [each.id.split('.').slice(2).join('.'), each]))),
  };
}

function ids({ findings }: Report): readonly string[] {
  return [...findings.keys()];
}

async function listen(server: Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const bound = server.address();
  return `127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : ''}`;
}

async function openHealth(listener: RequestListener): Promise<AsyncDisposable & { readonly address: string }> {
  const server = createHttpServer(listener);
  const address = await listen(server);
  return {
    address,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function pem(label: string, der: Uint8Array): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`;
}

describe('ephemos doctor --live on an agent', () => {
  it('passes what it looked at, and ends with 0', async () => {
    await using agent = await openDevAgent({ trustDomain });
    const endpoint = await agent.endpointFor(web);
    const report = await doctor(['--id', web], { env: { SPIFFE_ENDPOINT_SOCKET: endpoint } });
    expect(report).toMatchObject({ code: 0, counts: { pass: 9, fail: 0, warn: 0, skip: 1 }, results: { server: 'skip', agrees: 'pass' } });
    const text = await ephemos(['doctor', '--live', '--socket', endpoint, '--only', 'spire.reachable.identity,trust-domain.production']);
    expect(text).toMatchObject({
      code: 0,
      stdout: `spire.reachable  SPIRE is operational, and gives this process its identity
  pass  identity    ${web}

trust-domain.production  the trust domain is the one that is meant
  skip  agrees      only one names it (the SVID says example.org): give --trust-domain or --config

1 passed, 1 skipped
`,
    });
  });

  it('explains an identity that was taken back', async () => {
    await using agent = await openDevAgent({ trustDomain });
    const endpoint = await agent.endpointFor(web);
    await agent.remove(web);
    const report = await doctor(['--socket', endpoint]);
    expect(ids(report)).toEqual(['identity.none-issued']);
    expect(report.code).toBe(1);
    expect(report.findings.get('identity.none-issued')?.mends[0]?.lines).toContain("ephemos dev restore '<SPIFFE ID>'");
  });

  it('explains an SVID that has expired', async () => {
    await using agent = await openDevAgent({ trustDomain });
    const endpoint = await agent.endpointFor(web);
    await agent.faults.expire(web);
    expect(ids(await doctor(['--socket', endpoint]))).toEqual(['svid.expired']);
  });

  it.each<[code: 'UNAVAILABLE' | 'UNIMPLEMENTED' | 'INVALID_ARGUMENT' | 'RESOURCE_EXHAUSTED', finding: string]>([
    ['UNAVAILABLE', 'agent.unavailable'],
    ['RESOURCE_EXHAUSTED', 'agent.unavailable'],
    ['UNIMPLEMENTED', 'agent.not-workload-api'],
    ['INVALID_ARGUMENT', 'agent.not-workload-api'],
  ])('explains an agent that answers %s', async (code, finding) => {
    await using agent = await openDevAgent({ trustDomain });
    const endpoint = await agent.endpointFor(web);
    agent.faults.refuse(code);
    expect(ids(await doctor(['--socket', endpoint]))).toEqual([finding]);
  });

  it('explains an agent that hangs, after the time it was given', async () => {
    await using agent = await openDevAgent({ trustDomain });
    const endpoint = await agent.endpointFor(web);
    agent.faults.hang();
    const report = await doctor(['--socket', endpoint, '--timeout', '200ms']);
    expect(ids(report)).toEqual(['agent.silent']);
    expect(report.findings.get('agent.silent')?.what).toMatch(/does not answer within 0\.2 s$/);
  });

  it('explains updates that no workload may take, and that there is no bundle', async () => {
    await using agent = await openDevAgent({ trustDomain });
    const endpoint = await agent.endpointFor(web);
    agent.faults.malformed('key-mismatch');
    expect(ids(await doctor(['--socket', endpoint]))).toEqual(['agent.update-invalid']);
    agent.faults.malformed('bundle-missing');
    expect(ids(await doctor(['--socket', endpoint]))).toEqual(['agent.update-invalid', 'bundle.missing']);
  });

  it('explains an identity that is not the one in the configuration', async () => {
    await using agent = await openDevAgent({ trustDomain });
    await using directory = await openDirectory();
    const endpoint = await agent.endpointFor(web);
    const report = await doctor(['--socket', endpoint, '--config', await writeConfig(directory.path, 'orders', trustDomain)]);
    expect(ids(report)).toEqual(['identity.other-id']);
    const other = await doctor(['--config', await writeConfig(directory.path, 'web', 'prod.acme.com')], {
      env: { SPIFFE_ENDPOINT_SOCKET: endpoint },
    });
    expect(ids(other)).toEqual(['identity.other-id', 'agrees.differ']);
    expect(other.findings.get('agrees.differ')?.evidence).toEqual([
      `${directory.path}/config.yaml says prod.acme.com`,
      'the SVID says example.org',
    ]);
  });
});

describe('ephemos doctor --live on a socket', () => {
  it('tells nothing, a malformed address and an address where nobody listens apart', async () => {
    expect(ids(await doctor([]))).toEqual(['endpoint.missing']);
    expect(ids(await doctor(['--socket', '/run/agent.sock']))).toEqual(['endpoint.invalid']);
    expect(ids(await doctor(['--socket', 'tcp://127.0.0.1:1']))).toEqual(['socket.refused']);
  });

  it('names the part of the path that is wrong, and a socket that may have been meant', async () => {
    await using directory = await openDirectory();
    const [file, folder, there] = [join(directory.path, 'file'), join(directory.path, 'folder'), join(directory.path, 'agent.sock')];
    await writeFile(file, '');
    await mkdir(folder);
    const server = createServer((socket) => socket.on('error', () => undefined));
    await once(server.listen(there), 'listening');
    const missing = await doctor(['--socket', `unix://${directory.path}/agnet.sock`]);
    expect(ids(missing)).toEqual(['socket.missing']);
    expect(missing.findings.get('socket.missing')?.mends[0]?.lines).toEqual([`export SPIFFE_ENDPOINT_SOCKET=unix://${there}`]);
    const far = await doctor(['--socket', `unix://${directory.path}/no/such/agent.sock`]);
    expect(far.findings.get('socket.missing')?.evidence[0]).toBe(`${directory.path}/no is not there`);
    expect(ids(await doctor(['--socket', `unix://${file}`]))).toEqual(['socket.not-a-socket']);
    expect(ids(await doctor(['--socket', `unix://${folder}`]))).toEqual(['socket.not-a-socket']);
    expect(ids(await doctor(['--socket', `unix://${file}/agent.sock`]))).toEqual(['socket.missing']);
    server.close();
  });

  it.skipIf(process.getuid?.() !== 0)(
    'names the directory that this user may not search, and asks as another user for root alone',
    async () => {
      await using agent = await openDevAgent({ trustDomain });
      const endpoint = await agent.endpointFor(web);
      await chmod(agent.directory, 0o700);
      const report = await doctor(['--socket', endpoint, '--user', '65534:65534']);
      expect(ids(report)).toEqual(['socket.no-permission']);
      expect(report.findings.get('socket.no-permission')?.mends[0]?.lines).toEqual([`chmod o+x ${agent.directory}`]);
      expect((await doctor(['--socket', endpoint])).code).toBe(0);
    },
  );
});

describe('ephemos doctor --live on the entries of a server', () => {
  const agentPath = '/spire/agent/join_token/a';
  const parentId = { trustDomain, path: agentPath };
  const known = { id: parentId, attestationType: 'join_token', x509svidExpiresAt: BigInt(Math.floor(Date.now() / 1000) + 3600) };

  async function openDenied() {
    const agent = await openDevAgent({ trustDomain });
    const endpoint = await agent.endpointFor(web);
    await agent.remove(web);
    const fake = await openSpireServer();
    fake.agents.push(known);
    // Behind another name, so that it does not count as a development agent.
    const directory = await openDirectory();
    const path = join(directory.path, 'agent.sock');
    const relay = createServer((socket) => {
      const other = connect(endpoint.replace('unix://', ''));
      socket.pipe(other).pipe(socket);
      for (const each of [socket, other]) each.on('error', () => each.destroy());
    });
    await once(relay.listen(path), 'listening');
    return {
      fake,
      args: ['--socket', `unix://${path}`, '--server', fake.address],
      async [Symbol.asyncDispose]() {
        relay.close();
        await agent.close();
        await fake[Symbol.asyncDispose]();
        await directory[Symbol.asyncDispose]();
      },
    };
  }

  it('shows what would give an identity, where nothing comes near', async () => {
    await using denied = await openDenied();
    const report = await doctor([...denied.args, '--id', web]);
    expect(ids(report)).toEqual(['identity.no-entry']);
    const [create, file] = report.findings.get('identity.no-entry')?.mends ?? [];
    const socket = denied.fake.address.replace('unix://', '');
    expect(create?.lines).toEqual([
      `spire-server entry create -socketPath ${socket} -parentID spiffe://example.org${agentPath} -spiffeID ${web} -selector unix:uid:${process.geteuid?.()}`,
    ]);
    expect(file?.lines).toEqual([
      'owner: your-team',
      'entries:',
      `  - spiffe_id: ${web}`,
      `    parent_id: spiffe://example.org${agentPath}`,
      '    selectors:',
      `      - unix:uid:${process.geteuid?.()}`,
    ]);
  });

  it('leaves a name in <> where it cannot know one', async () => {
    await using denied = await openDenied();
    denied.fake.agents.push({ id: { trustDomain, path: '/spire/agent/join_token/b' }, x509svidExpiresAt: 9_999_999_999n });
    const [find, create] = (await doctor(denied.args)).findings.get('identity.no-entry')?.mends ?? [];
    expect(find?.lines).toEqual([`ephemos agents list --server ${denied.fake.address}`]);
    expect(create?.lines[0]).toContain(" -parentID '<agent ID>' -spiffeID 'spiffe://example.org/<name>' ");
  });

  it('puts the nearest entry right, with every other field as it is', async () => {
    await using denied = await openDenied();
    const { id } = denied.fake.add({
      spiffeId: { trustDomain, path: '/web' },
      parentId,
      selectors: [
        { type: 'unix', value: 'uid:4711' },
        { type: 'unix', value: `gid:${process.getegid?.()}` },
      ],
      x509SvidTtl: 60,
      dnsNames: ['web.example.org'],
      hint: "it's",
      additionalAttributes: { jwtSvidIncludeJti: true },
    });
    const report = await doctor(denied.args);
    expect(ids(report)).toEqual(['identity.wrong-selector']);
    const finding = report.findings.get('identity.wrong-selector');
    expect(finding?.evidence).toContain(
      `entry ${id} grants ${web} to unix:uid:4711, which this process has not; unix:gid:${process.getegid?.()} fits`,
    );
    expect(finding?.mends[0]?.lines[0]).toBe(
      `spire-server entry update -socketPath ${denied.fake.address.replace('unix://', '')} -entryID ${id} -parentID spiffe://example.org${agentPath} -spiffeID ${web} -selector unix:uid:${process.geteuid?.()} -selector unix:gid:${process.getegid?.()} -x509SVIDTTL 60 -dns web.example.org -hint 'it'\\''s' -jwtSVIDIncludeJTI`,
    );
    expect(finding?.mends[1]?.lines).toEqual(["sudo -u '#4711' -- '<command>'"]);
  });

  it('says that an entry fits and has not arrived, by the agent itself or by an alias that it has', async () => {
    await using denied = await openDenied();
    const selectors = [{ type: 'unix', value: `uid:${process.geteuid?.()}` }];
    const entry = denied.fake.add({ spiffeId: { trustDomain, path: '/web' }, parentId, selectors });
    expect(ids(await doctor(denied.args))).toEqual(['identity.not-arrived']);
    denied.fake.entries.delete(entry.id);
    denied.fake.add({ spiffeId: { trustDomain, path: '/web' }, parentId: { trustDomain, path: '/node/db' }, selectors });
    expect(ids(await doctor(denied.args))).toEqual(['identity.wrong-parent']);
    denied.fake.add({
      spiffeId: { trustDomain, path: '/node/db' },
      parentId: { trustDomain, path: '/spire/server' },
      selectors: [{ type: 'x509pop', value: 'subject:cn:db' }],
    });
    expect(ids(await doctor(denied.args))).toEqual(['identity.wrong-parent']);
    denied.fake.agents.splice(0, 1, { ...known, selectors: [{ type: 'x509pop', value: 'subject:cn:db' }] });
    expect(ids(await doctor(denied.args))).toEqual(['identity.not-arrived']);
  });

  it('does not let an entry draw on the terminal, nor put a second command into the first', async () => {
    await using denied = await openDenied();
    denied.fake.add({
      spiffeId: { trustDomain, path: "/x'; rm -rf $HOME; '" },
      parentId,
      selectors: [
        { type: 'unix', value: 'user:\u001b[31mred' },
        { type: 'unix', value: `uid:${process.geteuid?.()}` },
      ],
    });
    const text = await ephemos(['doctor', '--live', ...denied.args]);
    expect(text.stdout).not.toContain('\u001b');
    expect(text.stdout).toContain('unix:user:\\u{1b}[31mred');
    expect(text.stdout).toContain(`-spiffeID 'spiffe://example.org/x'\\''; rm -rf $HOME; '\\'''`);
  });

  it('says that the agent is banned, or has expired', async () => {
    await using denied = await openDenied();
    denied.fake.agents.splice(0, 1, { ...known, banned: true });
    expect(ids(await doctor(denied.args))).toContain('attested.refused');
    denied.fake.agents.splice(0, 1, { ...known, x509svidExpiresAt: 1n });
    expect(ids(await doctor(denied.args))).toContain('attested.expired');
  });

  it('goes on without a server that does not let it in', async () => {
    await using denied = await openDenied();
    denied.fake.failWith = new ConnectError('authorization denied for method /x', Code.PermissionDenied);
    const report = await doctor(denied.args);
    expect(ids(report)).toEqual(['server.api-failed', 'identity.none-issued']);
  });
});

describe('ephemos doctor --live on clocks and listeners', () => {
  it.each([
    [0, []],
    [-hour, ['clock.ahead']],
    [hour, ['clock.behind']],
  ])('compares the date of a health listener that is %d ms ahead', async (ahead, found) => {
    await using health = await openHealth((_, response) =>
      response.setHeader('date', new Date(Date.now() + ahead).toUTCString()).end('{}'),
    );
    const report = await doctor(['--spire-server-health', health.address, '--only', 'spire.reachable.clock,spire.reachable.server']);
    expect(ids(report)).toEqual(found);
    expect(report.results['server']).toBe('pass');
  });

  it('ends with 5 for a warning with --strict, and with 0 without', async () => {
    await using health = await openHealth((_, response) => response.setHeader('date', new Date(Date.now() - hour).toUTCString()).end());
    const args = ['--spire-server-health', `http://${health.address}`, '--only', 'spire.reachable.clock'];
    expect((await doctor(args)).code).toBe(0);
    expect((await doctor([...args, '--strict'])).code).toBe(5);
  });

  it('is ahead too far when that is half of the life of an SVID', async () => {
    await using agent = await openDevAgent({ trustDomain, svidTtlSeconds: 600 });
    await using health = await openHealth((_, response) => response.setHeader('date', new Date(Date.now() - hour).toUTCString()).end());
    const report = await doctor(['--socket', await agent.endpointFor(web), '--spire-server-health', health.address]);
    expect(ids(report)).toEqual(['clock.far-ahead']);
  });

  it('reads the dates and the trust domain of the certificate of the server', async () => {
    const authority = createTestAuthority('other.org');
    for (const [from, to, found] of [
      [-hour, hour, ['agrees.differ']],
      [hour, 2 * hour, ['clock.behind', 'agrees.differ']],
      [-2 * hour, -hour, ['clock.ahead', 'agrees.differ']],
    ] as const) {
      const validity = { notBefore: new Date(Date.now() + from), notAfter: new Date(Date.now() + to) };
      const { chain, privateKey } = await authority.issueX509Svid('spiffe://other.org/spire/server', { certificate: validity });
      const server = createTlsServer({
        key: pem('PRIVATE KEY', privateKey),
        cert: chain.map((der) => pem('CERTIFICATE', der)).join(''),
        ALPNProtocols: ['h2'],
      });
      server.on('tlsClientError', () => undefined);
      const address = await listen(server);
      const report = await doctor([
        '--server-address',
        address,
        '--trust-domain',
        trustDomain,
        '--only',
        'spire.reachable.server,spire.reachable.clock,trust-domain.production',
      ]);
      server.close();
      expect(ids(report)).toEqual(found);
      expect(report.results['server']).toBe('pass');
    }
  });

  it('knows a server that is none, one that is silent and one that says no, each in its time', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined));
    const address = await listen(silent);
    const only = ['--only', 'spire.reachable.server', '--timeout', '300ms'];
    expect(ids(await doctor([...only, '--server-address', address]))).toEqual(['server.not-spire']);
    expect(ids(await doctor([...only, '--server-address', '127.0.0.1:1']))).toEqual(['server.unreachable']);
    expect(ids(await doctor([...only, '--spire-server-health', address]))).toEqual(['server.unhealthy']);
    silent.close();
    await using sick = await openHealth((_, response) => response.writeHead(503).end('\u001b[31m'));
    const text = await ephemos(['doctor', '--live', ...only, '--spire-server-health', sick.address]);
    expect(text.stdout).toContain('503 \\u{1b}[31m');
    await using endless = await openHealth((_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        response.once('drain', more);
      };
      response.writeHead(200);
      more();
    });
    expect((await doctor([...only, '--spire-server-health', endless.address])).code).toBe(0);
  });

  it('asks /ready unless the URL has a path', async () => {
    const asked: (string | undefined)[] = [];
    await using health = await openHealth(({ url }, response) => {
      asked.push(url);
      response.end();
    });
    for (const suffix of ['', '/', '/healthz?x=1']) {
      await doctor(['--spire-agent-health', `http://${health.address}${suffix}`, '--only', 'spire.reachable.attested']);
    }
    expect(asked).toEqual(['/ready', '/ready', '/healthz?x=1']);
  });

  it('reads the log of an agent that does not answer, and shows it harmless', async () => {
    await using directory = await openDirectory();
    const file = join(directory.path, 'agent.log');
    await writeFile(
      file,
      'level=warning msg="Failed to retrieve attestation result" error="could not parse trust bundle: open /opt/it\'s.pem: \\u001b[31m no such file"\n',
    );
    const { code, stdout } = await ephemos(['doctor', '--live', '--socket', 'unix:///nowhere/a.sock', '--agent-log', file]);
    expect(code).toBe(1);
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toContain("spire-server bundle show > '/opt/it'\\''s.pem'\n");
  });
});

describe('what doctor is told wrongly', () => {
  it.each<[args: string, code: number, error: string]>([
    ['', 2, 'nothing says what to check\nhint: give files or directories, or --live'],
    ['--live --only spire.reachable.sokcet', 2, 'there is no rule "spire.reachable.sokcet"'],
    ['--live --server-address spire-server', 2, 'write host:port'],
    ['--live --spire-agent-health https://a:1', 2, 'write http://host:port/ready'],
    ['--live --user nobody-of-this-name', 2, '/etc/passwd has no such user'],
    ['--live --server /run/api.sock', 3, 'write unix:///run/api.sock'],
    ['--live --agent-log /nowhere/agent.log', 3, 'cannot be read'],
    ['--live --config /nowhere/config.yaml', 3, '/nowhere/config.yaml'],
    ['--live --id web', 3, '--id "web"'],
    ['--live --trust-domain Example.org', 3, '--trust-domain "Example.org"'],
  ])('doctor %s', async (args, code, error) => {
    const end = await ephemos(['doctor', ...args.split(' ').filter((word) => word !== '')]);
    expect(end).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(error) });
    expect(end.stderr).toMatch(/^error: [^\n]*\n(hint: [^\n]*\n)?$/);
  });

  it('has a help with examples, --format and exit codes', async () => {
    const { code, stdout } = await ephemos(['doctor', '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/\nExamples:\n {2}\$ ephemos doctor \.\/deploy\n/);
    expect(stdout).toMatch(/\nExit codes:\n {2}0 .*\n {2}1 .*\n {2}2 .*\n {2}3 .*\n {2}4 .*\n {2}5 /);
    expect(stdout).toContain('--format <format>');
  });
});

async function writeConfig(directory: string, name: string, domain: string): Promise<string> {
  const file = join(directory, 'config.yaml');
  await writeFile(file, `service: { name: ${name}, domain: ${domain}, authorized_clients: [spiffe://example.org/web] }\n`);
  return file;
}
