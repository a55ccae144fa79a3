// What the cases share: a cluster with the definitions of all custom kinds, and the objects of deploy/kubernetes.
import { join } from 'node:path';
import { checkout, openRoom, SetupError } from '../spire/room.js';
import { applyAll, applyDefinitions, mustBeTaken, partByDefinition } from './apply.js';
import { openCluster } from './cluster.js';
import { installDefinitions } from './definitions.js';
import { installTools } from './install.js';
import { isDeployment, openSources } from './kustomize.js';
import { nameOf } from './objects.js';

/** @typedef {import('./objects.js').KubernetesObject} KubernetesObject */

/**
 * @typedef {object} World
 * @property {import('../spire/room.js').Room} room
 * @property {import('./install.js').Tools} tools
 * @property {import('./cluster.js').Cluster} cluster
 * @property {import('./client.js').Client} admin
 * @property {import('./kustomize.js').Sources} sources of deploy/kubernetes
 * @property {readonly string[]} missing groups that nothing defines here
 * @property {boolean} short
 * @property {(objects: readonly KubernetesObject[]) => readonly KubernetesObject[]} known without those that nothing defines here, which are kept in mind
 * @property {(objects: readonly KubernetesObject[]) => Promise<number>} deploy applies what is known as the administrator; throws when the server
 *   refuses or warns; returns how many
 * @property {() => readonly string[]} leftOut names of what could not be applied for want of definitions
 * @property {(options: { failed: boolean }) => Promise<void>} close
 */

/** Beside the administrator: who is in the group that base/deployers.yaml is for, and who is in none. */
const users = { deployer: ['echo-deployers'], nobody: [] };

/**
 * @param {{ short: boolean, log: (line: string) => void }} options
 * @returns {Promise<World>}
 */
export async function openWorld({ short, log }) {
  const asSetup = (/** @type {unknown} */ error) => {
    throw new SetupError(error instanceof Error ? error.message : String(error));
  };
  const from = join(checkout, 'deploy', 'kubernetes');
  if (!isDeployment(from))
    throw new SetupError('deploy/kubernetes has no base, overlays/production and spire: node scripts/render-deploy.js');
  const tools = await installTools({ log }).catch(asSetup);
  const definitions = await installDefinitions({ log }).catch(asSetup);
  const room = await openRoom({ name: 'k8s', otherUsers: false, log });
  try {
    const begin = performance.now();
    const cluster = await openCluster({ room, tools, users });
    await applyDefinitions(cluster.admin, definitions.objects);
    log(`${tools.about}\n${definitions.about}`);
    if (definitions.missing.length > 0) {
      log(`nothing here defines ${definitions.missing.join(' and ')} (EPHEMOS_CRDS_DIR): their objects are left out, and named at the end`);
    }
    log(`${cluster.about} with ${definitions.objects.length} definitions ready after ${((performance.now() - begin) / 1000).toFixed(1)} s`);
    /** @type {Set<string>} */
    const leftOut = new Set();
    /** @type {World['known']} */
    const known = (objects) => {
      const parts = partByDefinition(objects, definitions.missing);
      for (const each of parts.unknown) leftOut.add(nameOf(each));
      return parts.known;
    };
    return {
      room,
      tools,
      cluster,
      admin: cluster.admin,
      sources: openSources({ from, folder: join(room.folder, 'kubernetes'), tools, programs: room.programs }),
      missing: definitions.missing,
      short,
      known,
      deploy: async (objects) => {
        const applied = await applyAll(cluster.admin, known(objects));
        mustBeTaken(applied);
        return applied.length;
      },
      leftOut: () => [...leftOut].sort(),
      close: (options) => room.close(options),
    };
  } catch (error) {
    await room.close({ failed: true });
    throw error;
  }
}
