// The whole of it: a real process that is scraped, probed, loses its agent, and is told to end under load.

import { once } from 'node:events';
import { mkdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { openDevAgent } from '@ephemos/dev';
import { connect } from 'ephemos/tls';
import { describe, expect, it } from 'vitest';
import { codesOf, failureOf, openCaller } from './caller.ts';
import { baseConfig, get, OPS, ORDERS, portIn, type StartOptions, startService, until, WEB } from './service-process.ts';

const DRAINING = 'draining: no new connections, clients are told to go elsewhere';
const RELOADED = 'the policy of the configuration is in use';

describe('a service in a process of its own', () => {
  it('serves HTTP and gRPC, answers probes and scrapes, and writes audit lines', async () => {
    await using service = await startService();
    await using web = await openCaller(service.agent, WEB, service.ports.listen);
    expect(await web.get('/orders?token=secret')).toEqual({ status: 200, body: `GET /orders?token=secret from ${WEB}` });
    expect(await web.echo('hello')).toBe(`hello from ${WEB}`);
    await using ops = await openCaller(service.agent, OPS, service.ports.listen);
    expect(codesOf(await failureOf(ops.get('/')))).toContain('ERR_CONNECT_FAILED');

    expect(await get(service.ports.health, '/livez')).toMatchObject({ status: 200 });
    expect(await get(service.ports.health, '/readyz')).toMatchObject({ status: 200 });
    expect(await get(service.ports.health, '/startupz')).toMatchObject({ status: 200 });
    const { body } = await get(service.ports.metrics, '/metrics');
    expect(body).toMatch(/^ephemos_spire_agent_connection_status\{service="orders"\} 1$/m);
    expect(body).toMatch(/^ephemos_tls_handshake_duration_seconds_count\{.*role="server".*\} 2$/m);
    expect(body).toMatch(/^ephemos_authorization_decisions_total\{.*decision="deny".*\} 1$/m);
    expect(body).toMatch(/^http_server_request_duration_seconds_count\{.*\} 1$/m);
    expect(body).toMatch(/^rpc_server_call_duration_seconds_count\{.*rpc_method="test\.Echo\/Echo".*\} 1$/m);

    await service.line((line) => line['audit'] === 'deny' && line['peer'] === OPS, 'the denial');
    const allow = await service.line((line) => line['audit'] === 'allow' && line['target'] === 'GET /orders', 'the sampled allow');
    expect(allow).toMatchObject({ peer: WEB, rule: 'service.authorized_clients' });
    expect(service.lines.map((line) => JSON.stringify(line)).join('\n')).not.toContain('secret');
  });

  it('stays live without its agent, is unready only when its SVID has expired, and recovers by itself', async () => {
    await using agent = await openDevAgent({ trustDomain: 'example.org', svidTtlSeconds: 4 });
    await using service = await startService({ agent });
    const ready = () => get(service.ports.health, '/readyz?verbose');
    expect(await ready()).toMatchObject({ status: 200 });
    agent.faults.refuse('UNAVAILABLE');
    const unready = await until(ready, ({ status }) => status === 503, 'unready');
    expect(unready.body).toContain('svid');
    expect(await get(service.ports.health, '/livez')).toMatchObject({ status: 200 });
    agent.faults.clear();
    await until(ready, ({ status }) => status === 200, 'ready again');
    expect(service.child.exitCode).toBeNull();
  });

  it('ends on SIGTERM under load with no failed call over HTTP/1 and gRPC, tells upgraded connections, and exits with 0', async () => {
    await using service = await startService();
    await using web = await openCaller(service.agent, WEB, service.ports.listen);
    const failures: unknown[] = [];
    let calls = 0;
    // A caller stops when there are no new connections any more: until then nothing may fail.
    async function load(call: () => Promise<unknown>): Promise<void> {
      for (;;) {
        try {
          await call();
          calls += 1;
        } catch (error) {
          if (!isGone(error)) failures.push(error);
          return;
        }
      }
    }
    const posts = Array.from({ length: 4 }, () => {
      const fetch = web.newFetch();
      return load(async () => (await fetch(`https://127.0.0.1:${service.ports.listen}/?delay=5`, { method: 'POST', body: 'x' })).text());
    });
    const running = [...posts, ...Array.from({ length: 4 }, () => load(() => web.echo('hello')))];
    const slow = web.get('/?delay=1500');
    const slowCall = web.echo('slow', 1500);
    const socket = await connect({ ...web.options, host: '127.0.0.1', port: service.ports.listen, protocols: ['http/1.1'] });
    socket.write('GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\n');
    let received = '';
    socket.on('data', (bytes: Buffer) => {
      received += bytes.toString();
    });
    await until(
      async () => calls,
      (count) => count > 100,
      'a hundred calls',
    );
    const signalledAt = performance.now();
    service.child.kill('SIGTERM');
    await until(
      () => get(service.ports.health, '/readyz'),
      ({ status }) => status === 503,
      'unready',
    );
    expect(await get(service.ports.health, '/livez')).toMatchObject({ status: 200 });
    expect(await slow).toMatchObject({ status: 200 });
    expect(await slowCall).toContain('slow');
    expect(await service.exited).toBe(0);
    const seconds = (performance.now() - signalledAt) / 1000;
    await Promise.all(running);
    expect(failures).toEqual([]);
    expect(received).toContain('bye');
    // The drain delay and the deadline of its configuration, and a moment to close.
    expect(seconds).toBeLessThan(0.3 + 5 + 3);
    expect(service.lines.map(({ msg }) => msg)).toContain('closed what calls needed');
    expect(service.lines.find(({ msg }) => msg === 'shut down')).toMatchObject({ clean: true });
  });

  it('cuts off at the deadline what does not end, and ends all the same', async () => {
    await using service = await startService({ config: baseConfig.replace('deadline: 5s', 'deadline: 1s') });
    await using web = await openCaller(service.agent, WEB, service.ports.listen);
    const hanging = failureOf(web.get('/hang'));
    await service.line((line) => line['target'] === 'GET /hang', 'the request');
    service.child.kill('SIGTERM');
    expect(await hanging).toBeInstanceOf(Error);
    expect(await service.exited).toBe(0);
    expect(service.lines.find(({ msg }) => msg === 'shut down')).toMatchObject({ clean: false });
  });

  it('is forced by a second signal', async () => {
    await using service = await startService({ config: baseConfig.replace('deadline: 5s', 'deadline: 15s') });
    await using web = await openCaller(service.agent, WEB, service.ports.listen);
    const hanging = failureOf(web.get('/hang'));
    await service.line((line) => line['target'] === 'GET /hang', 'the request');
    service.child.kill('SIGINT');
    await service.line(({ msg }) => msg === DRAINING, 'the drain');
    service.child.kill('SIGINT');
    expect(await service.exited).toBe(0);
    expect(await hanging).toBeInstanceOf(Error);
    expect(service.lines.find(({ msg }) => msg === 'the shutdown is forced')).toBeDefined();
  });
});

describe('a policy that changes', () => {
  const withRules = (rules: string): string => `${baseConfig.replace(/ {2}authorized_clients: .*\n/, '')}policy:\n  rules:\n${rules}`;
  const allow = (id: string): string => `    - { name: "${id.slice(-3)} reads", id: "${id}", http: { method: GET, route: /orders } }\n`;

  it('is taken from a file that an editor renames into place, and ends the connections that it refuses', async () => {
    await using service = await startService({ config: withRules(allow(WEB)) });
    await using web = await openCaller(service.agent, WEB, service.ports.listen);
    await using ops = await openCaller(service.agent, OPS, service.ports.listen);
    expect(await web.get('/orders')).toMatchObject({ status: 200 });
    expect(await web.get('/other')).toMatchObject({ status: 403 });
    writeFileSync(`${service.configPath}.new`, withRules(allow(OPS)));
    renameSync(`${service.configPath}.new`, service.configPath);
    await service.line(({ msg }) => msg === RELOADED, 'the reload');
    expect(await ops.get('/orders')).toMatchObject({ status: 200 });
    // Its connections are on their way out, and there are no new ones.
    const answers: unknown[] = [];
    const refusal = await failureOf(
      (async () => {
        for (;;) answers.push((await web.get('/orders')).status);
      })(),
    );
    expect(codesOf(refusal)).toContain('ERR_CONNECT_FAILED');
    expect(new Set(answers)).toEqual(new Set([403]));
  });

  it('is taken whole or not at all: an invalid file changes nothing and is told with its place', async () => {
    await using service = await startService({ config: withRules(allow(WEB)) });
    await using web = await openCaller(service.agent, WEB, service.ports.listen);
    // Truncated first, as some editors do.
    writeFileSync(service.configPath, '');
    writeFileSync(service.configPath, withRules('    - { name: broken, id: "spiffe://example.org/*" }\n'));
    const line = await service.line((each) => each.msg?.startsWith('the configuration is invalid') === true, 'the refusal');
    expect(JSON.stringify(line['err'])).toMatch(/config\.yaml:\d+:\d+/);
    expect(await web.get('/orders')).toMatchObject({ status: 200 });
  });

  it('is looked at on SIGHUP', async () => {
    await using service = await startService({ config: withRules(allow(WEB)) });
    service.child.kill('SIGHUP');
    await service.line((line) => line.msg?.startsWith('SIGHUP') === true && line['result'] === 'unchanged', 'the answer');
  });

  it('is found when the kubelet swaps the symbolic link of a mounted ConfigMap', async () => {
    await using agent = await openDevAgent({ trustDomain: 'example.org' });
    await using first = await startService({ agent });
    // The layout of the kubelet: ..data is a link to a directory of a time, and the file is a link through it.
    const mount = join(first.directory, 'mount');
    mkdirSync(join(mount, '..one'), { recursive: true });
    writeFileSync(join(mount, '..one', 'config.yaml'), withRules(allow(WEB)));
    symlinkSync('..one', join(mount, '..data'));
    symlinkSync('..data/config.yaml', join(mount, 'config.yaml'));
    await using service = await startService({ agent, env: { EPHEMOS_CONFIG_PATH: join(mount, 'config.yaml') } });
    mkdirSync(join(mount, '..two'));
    writeFileSync(join(mount, '..two', 'config.yaml'), withRules(allow(OPS)));
    symlinkSync('..two', join(mount, '..data_tmp'));
    renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
    unlinkSync(join(mount, '..one', 'config.yaml'));
    await service.line(({ msg }) => msg === RELOADED, 'the reload');
    await using ops = await openCaller(agent, OPS, service.ports.listen);
    expect(await ops.get('/orders')).toMatchObject({ status: 200 });
  });
});

describe('a service that cannot start', () => {
  const failures: readonly (readonly [string, StartOptions, number, RegExp])[] = [
    ['an unknown key', { config: `${baseConfig}colour: blue\n` }, 3, /^error: .*config\.yaml:\d+:1: colour: /],
    ['no socket', { env: { SPIFFE_ENDPOINT_SOCKET: '' } }, 3, /^error: no Workload API endpoint/],
    ['no file', { env: { EPHEMOS_CONFIG_PATH: '/nonexistent/config.yaml' } }, 3, /^error: \/nonexistent\/config\.yaml: /],
  ];
  it.each(failures)('says so in one line and a hint, and ends: %s', async (_what, options, code, first) => {
    await using service = await startService({ ...options, listening: false });
    expect(await service.exited).toBe(code);
    expect(service.stderr()).toMatch(first);
    expect(service.stderr().trimEnd().split('\n').length).toBeLessThanOrEqual(2);
  });

  it.each(['health', 'metrics', 'listen'])('names the key when the port of %s is taken', async (key) => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const address = holder.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    // It was never ready, so nobody has to be waited for: the drain delay of the configuration is longer than this test may take.
    const config = baseConfig
      .replace(`${key}: { address: "127.0.0.1:0"`, `${key}: { address: "127.0.0.1:${port}"`)
      .replace('drain_delay: 300ms, deadline: 5s, grace_period: 20s', 'drain_delay: 60s, deadline: 5s, grace_period: 90s');
    await using service = await startService({ config, listening: false });
    expect(await service.exited).toBe(3);
    expect(service.stderr()).toMatch(new RegExp(`^error: .*EADDRINUSE.*\\nhint: change ${key}\\.address`));
    holder.close();
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends in order on %s while it waits for its identity', async (signal) => {
    await using agent = await openDevAgent({ trustDomain: 'example.org' });
    const endpoint = await agent.endpointFor(ORDERS);
    await agent.remove(ORDERS);
    await using service = await startService({ agent, endpoint, listening: false });
    await service.line(({ msg }) => msg === 'waiting for an identity', 'the reason');
    service.child.kill(signal);
    expect(await service.exited).toBe(0);
    expect(service.lines.at(-1)?.msg).toBe('stopped before there was an identity');
    expect(service.stderr()).toBe('');
  });

  it('waits for an identity that it does not have yet: live, not ready, and saying why', async () => {
    await using agent = await openDevAgent({ trustDomain: 'example.org' });
    const endpoint = await agent.endpointFor(ORDERS);
    await agent.remove(ORDERS);
    await using service = await startService({ agent, endpoint, listening: false });
    const waiting = await service.line(({ msg }) => msg === 'waiting for an identity', 'the reason');
    expect(JSON.stringify(waiting['err'])).toContain('no identity issued');
    const { health } = await service.line(({ msg }) => msg === 'starting', 'the start');
    const port = portIn(health);
    expect(await get(port, '/livez')).toMatchObject({ status: 200 });
    expect(await get(port, '/readyz')).toMatchObject({ status: 503, body: expect.stringContaining('svid') });
    await agent.register({ id: ORDERS });
    await service.line(({ msg }) => msg === 'listening', 'listening');
    expect(await get(port, '/readyz')).toMatchObject({ status: 200 });
  });
});

/** A connection that was refused: the service is gone for new callers. */
function isGone(error: unknown): boolean {
  const codes = codesOf(error);
  return codes.includes('ECONNREFUSED') || (codes.includes(14) && String(error).includes('ECONNREFUSED'));
}
