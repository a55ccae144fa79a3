// An agent that is not attested: its token, its bundle, its trust domain, its ban; by its log and by its health.
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { createTestAuthority } from '@ephemos/dev';
import { until } from '../observe.js';
import { assertFound, mendLine } from './place.js';

const hour = 3_600_000;

/** @param {readonly Uint8Array[]} certificates */
const pemOf = (certificates) =>
  certificates
    .map(
      (der) => `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
    )
    .join('');

/** @type {readonly import('./run.js').Case[]} */
export const agentCases = [
  {
    name: 'token',
    rule: 'a join token that had expired, was used, or was not given: the log says which; a token made as printed lets the agent in',
    run: async (place, short) => {
      const expired = await place.token(1);
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const late = await place.startAgent('late', { token: expired });
      const used = await place.startAgent('used', { token: place.agentId.split('/').at(-1) ?? '' });
      const none = await place.startAgent('none', { token: '' });
      for (const [agent, what] of /** @type {const} */ ([
        [late, 'token-expired'],
        [used, 'token-used'],
        [none, 'token-missing'],
      ])) {
        await agent.logged(/Failed to retrieve attestation result/);
        const report = await place.doctor(['--agent-log', agent.log], { socket: agent.endpoint });
        assertFound(report, ['socket.missing', `attested.${what}`]);
      }
      // SPIRE deletes an expired token with the first attempt, and says "does not exist" from the second on.
      if (!short) await late.logged(/Failed to retrieve attestation result[\s\S]*Failed to retrieve attestation result/);
      const [, finding] = assertFound(await place.doctor(['--agent-log', late.log, '--server', place.server], { socket: late.endpoint }), [
        'socket.missing',
        'attested.token-expired',
      ]);
      for (const agent of [late, used, none]) await agent.program.stop();
      const token = (await place.shell(mendLine(finding, /^ephemos token generate/))).trim();
      const start = mendLine(finding, /^spire-agent run/)
        .replace("'<agent.conf>'", join(late.folder, 'agent.conf'))
        .replace("'<token>'", token);
      const again = place.room.programs.start('again', '/bin/sh', [
        '-c',
        start.replace(/^spire-agent/, `exec '${place.room.spire.agent}'`),
      ]);
      await late.logged(/Node attestation was successful[\s\S]*Serving health checks/);
      const report = await place.doctor(['--agent-log', late.log], { socket: late.endpoint });
      assertFound(report, ['identity.none-issued']);
      assert.equal(report.rules['attested']?.result, 'pass');
      await again.stop();
      return `expired${short ? '' : ' (also after the server forgot it)'}, used, missing; attested with the printed commands`;
    },
  },
  {
    name: 'not-ready',
    full: true,
    rule: 'an agent that runs and is not attested says so by its health listener, which it opens after 8 s',
    run: async (place) => {
      const agent = await place.startAgent('unready', { token: '' });
      const args = ['--spire-agent-health', agent.health];
      const early = await place.doctor(args, { socket: agent.endpoint });
      assertFound(early, ['socket.missing', 'attested.health-silent']);
      await agent.logged(/Serving health checks/);
      const report = await place.doctor(args, { socket: agent.endpoint });
      const [, finding] = assertFound(report, ['socket.missing', 'attested.not-ready']);
      await agent.program.stop();
      return finding?.evidence[0] ?? '';
    },
  },
  {
    name: 'agent-bundle',
    rule: "no bundle, or another server's: with the bundle shown as printed the agent attests by itself",
    run: async (place) => {
      const missing = await place.startAgent('nobundle', {
        edit: (conf, folder) => conf.replace(join(folder, 'bundle.pem'), join(folder, 'new.pem')),
      });
      await missing.logged(/Failed to retrieve attestation result/);
      const [, absent] = assertFound(
        await place.doctor(['--agent-log', missing.log, '--server', place.server], { socket: missing.endpoint }),
        ['socket.missing', 'attested.bundle-missing'],
      );
      const pem = pemOf(await createTestAuthority('example.org').bundleDer());
      const wrong = await place.startAgent('wrongbundle', { bundle: pem });
      await wrong.logged(/Failed to retrieve attestation result/);
      assertFound(await place.doctor(['--agent-log', wrong.log], { socket: wrong.endpoint }), ['socket.missing', 'attested.bundle-wrong']);
      await place.shell(mendLine(absent, /^spire-server bundle show/));
      await missing.logged(/Node attestation was successful[\s\S]*Serving health checks/);
      const report = await place.doctor(['--agent-log', missing.log], { socket: missing.endpoint });
      assert.equal(report.rules['attested']?.result, 'pass');
      for (const agent of [missing, wrong]) await agent.program.stop();
      return 'missing, and of another authority; spire-server bundle show as printed';
    },
  },
  {
    name: 'agent-trust-domain',
    rule: 'agent and server are configured with different trust domains',
    run: async (place) => {
      const edit = (/** @type {string} */ conf) => conf.replace('trust_domain = "example.org"', 'trust_domain = "other.org"');
      const agent = await place.startAgent('othertd', { edit });
      await agent.logged(/Failed to retrieve attestation result/);
      const report = await place.doctor(['--agent-log', agent.log, '--server-address', place.spire.serverAddress], {
        socket: agent.endpoint,
      });
      const [, finding, differ] = assertFound(report, ['socket.missing', 'attested.trust-domain', 'agrees.differ']);
      await agent.program.stop();
      assert.equal(mendLine(finding, /^trust_domain/), 'trust_domain = "example.org"');
      return differ?.evidence.join('; ') ?? '';
    },
  },
  {
    name: 'banned',
    full: true,
    rule: 'an agent that was banned, and one that was evicted: by its log, and by the list of the server',
    run: async (place) => {
      for (const verb of ['ban', 'evict']) {
        const agent = await place.startAgent(verb);
        await agent.logged(/Serving health checks/);
        const [, agentId = ''] = /successful.*spiffe_id="([^"]*)"/.exec(readFileSync(agent.log, 'utf8')) ?? [];
        await place.spire.cli(['agent', verb, '-spiffeID', agentId]);
        await agent.logged(/Agent crashed/);
        const report = await until(
          () => place.doctor(['--agent-log', agent.log, '--server', place.server], { socket: agent.endpoint }),
          ({ findings }) => findings.length === 2,
          { timeout: 5000, what: 'two findings' },
        );
        assertFound(report, ['socket.missing', 'attested.refused']);
        await agent.program.stop();
      }
      return 'spire-server agent ban, and evict';
    },
  },
  {
    name: 'agent-clock',
    rule: "an agent whose clock is outside the life of its server's certificate: made by a server whose certificate is shifted by an hour",
    run: async (place) => {
      // The clock of an agent cannot be moved here; the certificate of a server that a real agent dials can.
      const authority = createTestAuthority('example.org');
      /** @type {string[]} */
      const told = [];
      for (const [name, from, to, also] of /** @type {const} */ ([
        ['early', hour, 2 * hour, 'clock.behind'],
        ['over', -2 * hour, -hour, 'clock.ahead'],
      ])) {
        const validity = { notBefore: new Date(Date.now() + from), notAfter: new Date(Date.now() + to) };
        const { chain, privateKey } = await authority.issueX509Svid('spiffe://example.org/spire/server', { certificate: validity });
        const key = `-----BEGIN PRIVATE KEY-----\n${Buffer.from(privateKey).toString('base64')}\n-----END PRIVATE KEY-----\n`;
        const server = createServer({ key, cert: pemOf(chain), ALPNProtocols: ['h2'] }, (socket) => socket.on('error', () => undefined));
        server.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
        await new Promise((resolve) => server.once('listening', () => resolve(undefined)));
        const bound = server.address();
        const port = String(typeof bound === 'object' ? bound?.port : '');
        const agent = await place.startAgent(name, {
          bundle: pemOf(await authority.bundleDer()),
          edit: (conf) => conf.replace(/server_port = "\d+"/, `server_port = "${port}"`),
        });
        await agent.logged(/Failed to retrieve attestation result/);
        const report = await place.doctor(['--agent-log', agent.log, '--server-address', `127.0.0.1:${port}`], { socket: agent.endpoint });
        const [, finding] = assertFound(report, ['socket.missing', 'attested.clock', also]);
        await agent.program.stop();
        server.close();
        told.push(/current time \S+ is (?:before|after) \S+?Z/.exec(finding?.evidence[0] ?? '')?.[0] ?? '');
      }
      return told.join('; ');
    },
  },
];
