// Case: with the controller manager, what deploy/kubernetes deploys becomes pods that are admitted, and everything that selects them finds them.

import { danglingOf } from '../joins.js';
import { must } from '../must.js';
import { nameOf } from '../objects.js';
import { addNode, runPods, workloadKinds } from '../pods.js';
import { until } from '../until.js';

/** @typedef {import('../objects.js').KubernetesObject} KubernetesObject */
/** @typedef {import('../world.js').World} World */

const settleMs = 30_000;
const nodes = ['node-a', 'node-b', 'node-c'];

/** @type {import('../run.js').Case} */
export const admission = {
  name: 'admission',
  rule: 'pods of production are admitted under restricted, those of SPIRE where they run; budgets, autoscalers, Services and monitors find their own',
  run: async (world) => {
    const { admin, cluster, sources } = world;
    const production = (await sources.build('overlays/production')).objects;
    const spire = (await sources.build('spire')).objects;
    const objects = world.known([...spire, ...production]);
    await world.deploy(objects);
    for (const node of nodes) await addNode(admin, node);
    const begin = performance.now();
    await cluster.startManager();

    const workloads = objects.filter(({ kind }) => workloadKinds.includes(kind));
    /** @type {readonly { name: string, ready: number, wanted: number }[]} */
    let states = [];
    await until(
      async () => {
        const failure = await firstFailure(admin);
        if (failure !== undefined) throw new Error(`a pod was not admitted: ${failure}`);
        await runPods(admin, 'node-a');
        states = await Promise.all(workloads.map(async (each) => ({ name: nameOf(each), ...readyOf(await admin.read(each)) })));
        return states.every(({ ready, wanted }) => wanted > 0 && ready === wanted);
      },
      { timeout: settleMs, what: () => `pods: ${states.map(({ name, ready, wanted }) => `${name} ${ready} of ${wanted}`).join(', ')}` },
    );
    const pods = (await admin.get('/api/v1/pods')).items.length;

    const namespaces = new Set(production.filter(({ kind }) => kind === 'Deployment').map(({ metadata }) => metadata.namespace));
    for (const name of namespaces) {
      const { labels } = (await admin.get(`/api/v1/namespaces/${name}`)).metadata;
      must(labels['pod-security.kubernetes.io/enforce'] === 'restricted', `the namespace ${name} does not enforce restricted`);
    }
    await mustCount(world, objects);
    const dangling = await danglingOf(admin, objects);
    must(dangling.length === 0, dangling.join('\n'));
    const took = ((performance.now() - begin) / 1000).toFixed(1);
    return `${pods} pods of ${workloads.length} workloads admitted and counted ${took} s after the controller manager was started`;
  },
};

/**
 * Of controllers that could not make a pod.
 * @param {import('../client.js').Client} client
 * @returns {Promise<string | undefined>}
 */
async function firstFailure(client) {
  const { items } = await client.get('/api/v1/events', { query: { fieldSelector: 'reason=FailedCreate' } });
  return items[0]?.message;
}

/** @param {KubernetesObject} workload */
function readyOf({ kind, metadata, spec, status }) {
  const seen = status.observedGeneration === metadata['generation'];
  if (kind === 'DaemonSet') return { ready: status.numberReady ?? 0, wanted: seen ? status.desiredNumberScheduled : Number.NaN };
  return { ready: status.readyReplicas ?? 0, wanted: seen ? spec.replicas : Number.NaN };
}

/**
 * Budgets count the pods of what they protect; autoscalers find what they scale, and hold it at their least without any metrics.
 * @param {World} world
 * @param {readonly KubernetesObject[]} objects
 */
async function mustCount({ admin }, objects) {
  const budgets = objects.filter(({ kind }) => kind === 'PodDisruptionBudget');
  const scalers = objects.filter(({ kind }) => kind === 'HorizontalPodAutoscaler');
  must(budgets.length > 0 && scalers.length > 0, 'there is no PodDisruptionBudget, or no HorizontalPodAutoscaler');
  for (const budget of budgets) {
    const status = await until(
      async () => {
        await runPods(admin, 'node-a');
        const now = (await admin.read(budget)).status;
        return now.expectedPods > 0 && now.currentHealthy === now.expectedPods && now;
      },
      { timeout: settleMs, what: `pod that ${nameOf(budget)} counts` },
    );
    must(status.disruptionsAllowed > 0, `${nameOf(budget)} never lets a node be drained: ${JSON.stringify(status)}`);
  }
  for (const scaler of scalers) {
    const condition = await until(
      async () => {
        const conditions = (await admin.read(scaler)).status?.conditions ?? [];
        return conditions.find((/** @type {{ type: string }} */ { type }) => type === 'AbleToScale');
      },
      { timeout: settleMs, what: `condition AbleToScale of ${nameOf(scaler)}` },
    );
    must(condition.status === 'True', `${nameOf(scaler)}: ${condition.reason}: ${condition.message}`);
    const { apiVersion, kind, name } = scaler.spec.scaleTargetRef;
    const target = { apiVersion, kind, metadata: { name, namespace: scaler.metadata.namespace ?? 'default' } };
    const replicas = await until(
      async () => (await admin.read(target)).spec.replicas >= scaler.spec.minReplicas && scaler.spec.minReplicas,
      {
        timeout: settleMs,
        what: `scaling of ${nameOf(scaler)} to ${scaler.spec.minReplicas}`,
      },
    );
    must(replicas > 1, `${nameOf(scaler)} may leave one replica`);
  }
}
