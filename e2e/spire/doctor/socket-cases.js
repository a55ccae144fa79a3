// The socket of the Workload API: missing, something else, closed to this user, left behind, or of another program.
import { strict as assert } from 'node:assert';
import { chmodSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { assertFound, mendLine } from './place.js';

const uid = 20_321;

/** @type {readonly import('./run.js').Case[]} */
export const socketCases = [
  {
    name: 'endpoint',
    rule: 'no endpoint, and a malformed one',
    run: async (place) => {
      assertFound(await place.doctor([], { socket: '' }), ['endpoint.missing']);
      const [finding] = assertFound(await place.doctor(['--socket', '/run/agent.sock']), ['endpoint.invalid']);
      assert.match(finding?.mends[0]?.how ?? '', /write unix:\/\/\/run\/agent\.sock/);
      return 'found before anything is dialled';
    },
  },
  {
    name: 'socket',
    rule: 'nothing there, a directory, a file, closed to this user: each with the part of the path that is wrong; the printed mends work',
    run: async (place) => {
      const { folder, endpoint } = place.agent;
      const [near] = assertFound(await place.doctor([], { socket: `unix://${join(folder, 'agnet.sock')}` }), ['socket.missing']);
      assert.equal(mendLine(near, /^export/), `export SPIFFE_ENDPOINT_SOCKET=${endpoint}`);
      const [far] = assertFound(await place.doctor([], { socket: `unix://${join(folder, 'no', 'agent.sock')}` }), ['socket.missing']);
      assert.match(far?.evidence[0] ?? '', /\/good\/no is not there$/);

      const directory = join(place.room.folder, 'd.sock');
      mkdirSync(directory);
      const [made] = assertFound(await place.doctor([], { socket: `unix://${directory}` }), ['socket.not-a-socket']);
      await place.shell(mendLine(made, /^rmdir/));
      assertFound(await place.doctor([], { socket: `unix://${directory}` }), ['socket.missing']);
      assertFound(await place.doctor([], { socket: `unix://${place.write('f.sock', '')}` }), ['socket.not-a-socket']);

      const identity = 'identity.none-issued';
      assertFound(await place.doctor([], { uid }), [identity]);
      chmodSync(join(folder, 'agent.sock'), 0o700);
      const [closed] = assertFound(await place.doctor([], { uid }), ['socket.no-permission']);
      assert.match(closed?.evidence[0] ?? '', /agent\.sock has mode 0700, and belongs to 0:0/);
      await place.shell(mendLine(closed, /^chmod/));
      assertFound(await place.doctor([], { uid }), [identity]);
      chmodSync(folder, 0o700);
      const [shut] = assertFound(await place.doctor([], { uid }), ['socket.no-permission']);
      await place.shell(mendLine(shut, /^chmod/));
      assertFound(await place.doctor([], { uid }), [identity]);
      return 'missing twice, a directory, a file, a closed socket, a closed directory; rmdir and chmod as printed';
    },
  },
  {
    name: 'left-behind',
    full: true,
    rule: 'an agent that was killed left its socket; one that hangs is waited for no longer than --timeout',
    run: async (place) => {
      const agent = await place.startAgent('killed');
      await agent.logged(/Serving health checks/);
      await agent.program.stop({ signal: 'SIGKILL' });
      const report = await place.doctor(['--spire-agent-health', agent.health], { socket: agent.endpoint });
      assertFound(report, ['socket.refused', 'attested.health-silent']);
      const stopped = await place.startAgent('hangs');
      await stopped.logged(/Serving health checks/);
      const pid = stopped.program.pid;
      assert.ok(pid !== undefined);
      process.kill(pid, 'SIGSTOP');
      const silent = await place.doctor(['--timeout', '1s'], { socket: stopped.endpoint });
      process.kill(pid, 'SIGCONT');
      assertFound(silent, ['agent.silent']);
      await stopped.program.stop();
      return `killed with -9; stopped with SIGSTOP: told after ${silent.ms.toFixed(0)} ms`;
    },
  },
  {
    name: 'wrong-api',
    rule: 'the admin socket of spire-server, and a socket of something else, are no Workload API',
    run: async (place) => {
      const [finding] = assertFound(await place.doctor([], { socket: place.server }), ['agent.not-workload-api']);
      const path = join(place.room.folder, 'else.sock');
      const server = createServer((socket) => socket.on('error', () => undefined).end('220 mail\r\n'));
      await new Promise((resolve) => server.listen(path, () => resolve(undefined)));
      const other = await place.doctor([], { socket: `unix://${path}` });
      server.close();
      assertFound(other, ['agent.unavailable']);
      return finding?.evidence[0] ?? '';
    },
  },
];
