// Where the drills take place: the highly available deployment with an agent behind its load balancer, or the development agent.
import { join } from 'node:path';
import { openDeployment } from '../deployment/open-deployment.js';
import { createDeploymentWorld } from '../deployment/world.js';
import { openSpireRoom } from '../room.js';
import { createSuite, openSuite } from '../suite.js';
import { takeBalancer } from './balancer.js';

/**
 * @typedef {object} Highly the parts of the highly available deployment
 * @property {readonly import('../deployment/deployment.js').Server[]} servers
 * @property {import('../deployment/daemon.js').Daemon} agent
 * @property {import('../deployment/postgres.js').RunningPostgres} postgres
 * @property {import('./balancer.js').Balancer} balancer
 * @property {string} domain
 */

/**
 * @typedef {object} Place
 * @property {import('../suite.js').Suite} suite
 * @property {Highly} [highly] where it is SPIRE
 * @property {string} about for people
 */

/**
 * @param {{ agent: 'spire' | 'dev', ttl: number, log: (line: string) => void }} options ttl: seconds that SVIDs live
 * @returns {Promise<Place>}
 */
export async function openPlace({ agent, ttl, log }) {
  if (agent === 'dev') {
    const suite = await openSuite({ name: 'ha', agent, ttl, log });
    return { suite, about: suite.world.about };
  }
  const room = await openSpireRoom({ name: 'ha', log });
  try {
    const folder = join(room.folder, 'ha');
    const changes = { domain: 'example.org', lives: { x509: `${ttl}s` } };
    const running = await openDeployment({ room, variant: 'host-ha', folder, changes });
    const { servers, database, deployment } = running;
    if (database === undefined) throw new Error('the deployment has no database');
    const { postgres } = database;
    const balancer = await takeBalancer({ room, running, folder });
    const about = `SPIRE ${room.spire.version.replace(/-.*/, '')}, ${servers.length} servers on PostgreSQL ${/\d[\d.]*/.exec(postgres.version)?.[0] ?? ''} behind HAProxy`;
    const suite = createSuite(room, createDeploymentWorld({ about, running, ttl }));
    const { domain } = deployment.spire;
    return { suite, about, highly: { servers, agent: running.agent, postgres, balancer, domain } };
  } catch (error) {
    await room.close({ failed: true });
    throw error;
  }
}
