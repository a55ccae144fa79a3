// The load balancer of a deployment with its runtime socket, as those who run it have it: on which server agents are, and a server drained.
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createDaemon } from '../deployment/daemon.js';
import { findHaproxy } from '../deployment/programs.js';
import { until } from '../observe.js';

/**
 * @typedef {object} Balancer
 * @property {import('../deployment/daemon.js').Daemon} daemon
 * @property {() => Promise<readonly string[]>} homes the servers that connections of agents are on
 * @property {(server: string) => Promise<void>} drain takes a server out, and cuts off the agents that are on it
 * @property {(server: string) => Promise<void>} readmit
 * @property {() => Promise<void>} untilServing resolves when it gives connections to a server again
 * @property {(server: string) => Promise<void>} untilHome resolves when every connection of an agent is on that server
 */

const backend = 'spire-servers';
const statusColumn = 17;
/** An agent asks its server every 5 s, and after a failure after 7.5 s. */
const movedWithin = 30_000;

/**
 * Ends the load balancer that runs and starts it again with one more file of configuration.
 * @param {object} options
 * @param {import('../room.js').SpireRoom} options.room
 * @param {import('../deployment/open-deployment.js').RunningDeployment} options.running
 * @param {string} options.folder
 * @returns {Promise<Balancer>}
 */
export async function takeBalancer({ room, running: { balancer, deployment }, folder }) {
  if (balancer === undefined) throw new Error('the deployment has no load balancer');
  const { place } = balancer;
  const { program, env } = findHaproxy(room.log);
  const socket = join(folder, 'haproxy.sock');
  const more = join(folder, 'etc', 'runtime.cfg');
  writeFileSync(more, `global\n    stats socket ${socket} mode 600 level admin\n`);
  await balancer.daemon.stop();
  const daemon = createDaemon(
    () => room.programs.start('haproxy', program, ['-db', '-f', deployment.path('haproxy.cfg'), '-f', more], { env }),
    async (running) => {
      const answers = () =>
        fetch(`http://127.0.0.1:${place.metrics.port}/metrics`).then(
          ({ ok }) => ok,
          () => !running.running(),
        );
      await until(answers, (ok) => ok, { timeout: 30_000, what: 'metrics of haproxy' });
      if (!running.running()) throw new Error(`haproxy ended: ${running.stderr().trim().split('\n').at(-1)}`);
    },
  );
  await daemon.start();

  const status = async () => (await ask(socket, 'show stat')).split('\n').map((line) => line.split(','));
  /** @type {Balancer['homes']} */
  const homes = async () => {
    const rows = await status();
    return rows
      .filter(([proxy, , , , sessions]) => proxy === backend && Number(sessions) > 0)
      .flatMap(([, name = '']) => (name === 'BACKEND' ? [] : [name]));
  };
  /** @param {string} words */
  const order = async (words) => {
    const said = (await ask(socket, words)).trim();
    if (said !== '') throw new Error(`haproxy to "${words}": ${said}`);
  };
  return {
    daemon,
    homes,
    drain: async (server) => {
      await order(`set server ${backend}/${server} state maint`);
      await order(`shutdown sessions server ${backend}/${server}`);
    },
    readmit: (server) => order(`set server ${backend}/${server} state ready`),
    untilServing: async () => {
      const serves = async () => (await status()).some((row) => row[0] === backend && row[1] === 'BACKEND' && row[statusColumn] === 'UP');
      await until(serves, (is) => is, { timeout: movedWithin, what: 'a server behind the load balancer' });
    },
    untilHome: async (server) => {
      await until(homes, (all) => all.length === 1 && all[0] === server, { timeout: movedWithin, what: `every agent on ${server}` });
    },
  };
}

/**
 * One command over the runtime socket.
 * @param {string} path
 * @param {string} words
 * @returns {Promise<string>}
 */
function ask(path, words) {
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = connect(path, () => socket.write(`${words}\n`));
    socket.setEncoding('utf8');
    socket.on('data', (/** @type {string} */ part) => {
      said += part;
    });
    socket.on('error', reject).on('end', () => resolve(said));
  });
}
