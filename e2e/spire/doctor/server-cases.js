// The server that is away, what follows from it, and clocks that disagree.
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { until } from '../observe.js';
import { freePort } from '../spire.js';
import { findWrongClock } from './clock.js';
import { assertFound, mendLine } from './place.js';

const id = (/** @type {string} */ name) => `spiffe://example.org/${name}`;
const uids = { clock: 20_341, brief: 20_342, down: 20_343 };

/** @type {readonly import('./run.js').Case[]} */
export const serverCases = [
  {
    name: 'clock',
    rule: 'a process whose clock is wrong: behind, a little ahead, far ahead; told by what the server says the time is',
    run: async (place) => {
      const wrongClock = findWrongClock(place.room);
      assert.ok(wrongClock !== undefined, 'there is no libfaketime here, and no apt to take it from');
      await place.entry(id('clock'), [`unix:uid:${uids.clock}`]);
      const args = ['--spire-server-health', place.serverHealth, '--server-address', place.spire.serverAddress];
      const ask = (/** @type {number} */ seconds) =>
        place.doctor(args, { uid: uids.clock, ...(seconds === 0 ? {} : { env: wrongClock(seconds) }) });
      await until(
        () => ask(0),
        ({ code }) => code === 0,
        { timeout: 15_000, what: 'an identity' },
      );
      const [behind] = assertFound(await ask(-7200), ['clock.behind', 'svid.not-yet-valid']);
      assert.match(behind?.what ?? '', /at least (1 h 59 min|2 h)/);
      const [far] = assertFound(await ask(7200), ['clock.far-ahead', 'svid.expired']);
      await until(
        () => ask(0),
        ({ rules }) => /(1 min|[45]\d s) left/.test(rules['svid']?.reason ?? ''),
        { timeout: 40_000, what: 'a new SVID' },
      );
      const ahead = await ask(15);
      assertFound(ahead, ['clock.ahead']);
      const strict = await place.doctor([...args, '--strict'], { uid: uids.clock, env: wrongClock(15) });
      assert.equal(strict.code, 5);
      return `${behind?.what}; ${far?.what}; 15 s ahead is a warning, 5 with --strict`;
    },
  },
  {
    name: 'not-the-server',
    rule: 'what is at the address of the server is no SPIRE server, its health says no, or its API is another socket',
    run: async (place) => {
      const server = createServer((_, response) => response.writeHead(503).end('not ready')).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', () => resolve(undefined)));
      const bound = server.address();
      const address = `127.0.0.1:${typeof bound === 'object' ? bound?.port : ''}`;
      const only = ['--only', 'spire.reachable.server'];
      assertFound(await place.doctor([...only, '--server-address', address]), ['server.not-spire']);
      assertFound(await place.doctor([...only, '--spire-server-health', address]), ['server.unhealthy']);
      server.close();
      assertFound(await place.doctor([...only, '--server', place.agent.endpoint]), ['server.api-failed']);
      assertFound(await place.doctor([...only, '--server-address', 'nobody.invalid:8081']), ['server.unreachable']);
      return 'plain HTTP, 503, the socket of the agent, a name that nobody has';
    },
  },
  {
    name: 'server-down',
    rule: 'the server is away: by its port, its health, its API and the log of the agent; then SVIDs are not renewed, and expire',
    full: true,
    run: async (place) => {
      await place.entry(id('brief'), [`unix:uid:${uids.brief}`], ['-x509SVIDTTL', '12']);
      const user = ['--user', `${uids.brief}:${uids.brief}`];
      const log = ['--agent-log', place.agent.log];
      await until(
        () => place.doctor([...user, ...log]),
        ({ code }) => code === 0,
        { timeout: 15_000, what: 'an identity' },
      );
      await place.spire.stopServer();
      await place.agent.logged(/Synchronize failed/);
      const everything = [
        '--server-address',
        place.spire.serverAddress,
        '--spire-server-health',
        place.serverHealth,
        '--server',
        place.server,
      ];
      const away = await place.doctor([...user, ...log, ...everything, '--only', 'spire.reachable.server']);
      const found = assertFound(away, ['server.unreachable', 'server.unreachable', 'server.unhealthy', 'server.api-failed']);
      const byLog = await place.doctor([...user, ...log, '--only', 'spire.reachable.server']);
      const [said] = assertFound(byLog, ['server.unreachable']);
      assert.equal(mendLine(said, /^ephemos doctor/), `ephemos doctor --live --server-address ${place.spire.serverAddress}`);
      const late = await until(
        () => place.doctor(user),
        ({ findings }) => findings.length > 0,
        { timeout: 30_000, what: 'a late SVID' },
      );
      const [warning] = assertFound(late, ['svid.not-renewed']);
      const over = await until(
        () => place.doctor(user),
        ({ code }) => code === 1,
        { timeout: 20_000, what: 'an expired SVID' },
      );
      const [expired] = assertFound(over, ['svid.expired']);
      await place.spire.startServer();
      await until(
        () => place.doctor([...user, ...log, ...everything]),
        ({ code }) => code === 0,
        { timeout: 30_000, what: 'all is well again' },
      );
      return `${found.length} findings; ${warning?.what}; ${expired?.what}; well again after the server came back`;
    },
  },
  {
    name: 'server-away',
    rule: 'an agent that dials where no server is: by its log, while the server is well elsewhere',
    run: async (place) => {
      const port = `server_port = "${await freePort()}"`;
      const agent = await place.startAgent('unreached', { edit: (conf) => conf.replace(/server_port = "\d+"/, port) });
      await agent.logged(/Failed to retrieve attestation result/);
      // That the server is well where somebody else dials it does not help this agent.
      const args = ['--agent-log', agent.log, '--server-address', place.spire.serverAddress, '--server', place.server];
      const report = await place.doctor(args, { socket: agent.endpoint });
      const [, finding] = assertFound(report, ['socket.missing', 'server.unreachable']);
      assert.match(report.rules['attested']?.reason ?? '', /see spire\.reachable\.server/);
      await agent.program.stop();
      return finding?.evidence[0]?.replace(/^[^:]*: /, '') ?? '';
    },
  },
  {
    name: 'agent-expired',
    full: true,
    rule: 'an agent that was away for longer than its SVID lived, and joined by a token that is good once',
    run: async (place) => {
      const agent = await place.startAgent('lapsed');
      await agent.logged(/Serving health checks/);
      const [, agentId = ''] = /successful.*spiffe_id="([^"]*)"/.exec(readFileSync(agent.log, 'utf8')) ?? [];
      await agent.program.stop();
      const listed = async () =>
        JSON.parse(await place.spire.cli(['agent', 'show', '-spiffeID', agentId, '-output', 'json'])).x509svid_expires_at;
      const until_ = Number(await listed()) * 1000;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, until_ - Date.now() + 1500)));
      const byList = await place.doctor(['--agent-log', agent.log, '--server', place.server], { socket: agent.endpoint });
      assertFound(byList, ['socket.missing', 'attested.expired']);
      const again = place.room.programs.start('lapsed-again', place.room.spire.agent, ['run', '-config', `${agent.folder}/agent.conf`]);
      await agent.logged(/SVID is expired\. Generating[\s\S]*Failed to retrieve attestation result/);
      const byLog = await place.doctor(['--agent-log', agent.log], { socket: agent.endpoint });
      const [, finding] = assertFound(byLog, ['socket.missing', 'attested.expired']);
      await again.stop();
      return finding?.evidence[0]?.replace(/^[^:]*: /, '') ?? '';
    },
  },
];
