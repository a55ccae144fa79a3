// Pods of templates; and what a kubelet would say of them, so that controllers go on: assigned to a node, running, ready, with an address.
import { nameOf } from './objects.js';

/** @typedef {import('./objects.js').KubernetesObject} KubernetesObject */
/** @typedef {import('./client.js').Client} Client */

/** Kinds whose controllers keep pods running. */
export const workloadKinds = ['Deployment', 'StatefulSet', 'DaemonSet'];

/**
 * The pods that these objects are about, one of each workload, without any controller: those of templates, and in the name of CloudNativePG one of each
 * database, with the label and the ports that its documentation says.
 * @param {readonly KubernetesObject[]} objects
 * @returns {readonly KubernetesObject[]}
 */
export function podsOf(objects) {
  return objects.flatMap((object) => {
    if (workloadKinds.includes(object.kind) || object.kind === 'CronJob') return [podOf(object)];
    return object.kind === 'Cluster' && object.apiVersion.startsWith('postgresql.cnpg.io/') ? [podOfDatabase(object)] : [];
  });
}

/**
 * The pod that a workload would make.
 * @param {KubernetesObject} workload
 * @param {string} [name]
 * @returns {KubernetesObject}
 */
export function podOf(workload, name = workload.metadata.name) {
  const { namespace } = workload.metadata;
  const { metadata = {}, spec } = (workload.kind === 'CronJob' ? workload.spec.jobTemplate : workload).spec.template;
  const claims = (workload.spec.volumeClaimTemplates ?? []).map((/** @type {KubernetesObject} */ claim) => ({
    name: claim.metadata.name,
    persistentVolumeClaim: { claimName: `${claim.metadata.name}-${name}` },
  }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: metadata.labels ?? {} },
    spec: { ...spec, ...(claims.length === 0 ? {} : { volumes: [...(spec.volumes ?? []), ...claims] }) },
  };
}

/**
 * @param {KubernetesObject} cluster
 * @returns {KubernetesObject}
 */
function podOfDatabase({ metadata: { name, namespace } }) {
  const ports = [
    { name: 'postgresql', containerPort: 5432 },
    { name: 'metrics', containerPort: 9187 },
  ];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${name}-1`, namespace, labels: { 'cnpg.io/cluster': name } },
    spec: {
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'postgres',
          image: 'postgres',
          ports,
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        },
      ],
    },
  };
}

/**
 * A node that is ready, and that nothing runs on.
 * @param {Client} client
 * @param {string} name
 */
export async function addNode(client, name) {
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/os': 'linux', 'kubernetes.io/hostname': name } },
  };
  const made = await client.create(node);
  await patchStatus(client, node, { conditions: [{ type: 'Ready', status: 'True', reason: 'Here' }] });
  // Each node comes with a taint, which a controller takes off when its kubelet is ready; that controller would wait for heartbeats.
  const type = 'application/merge-patch+json';
  await client.get(`/api/v1/nodes/${name}`, { method: 'PATCH', type, body: { spec: { taints: [] } } });
  return made;
}

/**
 * Plays the kubelet for every pod that is not ready: answers how many there were.
 * @param {Client} client
 * @param {string} node
 */
export async function runPods(client, node) {
  const { items } = await client.get('/api/v1/pods');
  const waiting = items.filter((/** @type {KubernetesObject} */ { status }) => status.phase === 'Pending');
  for (const [index, pod] of waiting.entries()) {
    const { namespace, name } = pod.metadata;
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    if (pod.spec.nodeName === undefined) {
      const target = { apiVersion: 'v1', kind: 'Node', name: node };
      await client.get(`${path}/binding`, { method: 'POST', body: { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target } });
    }
    const address = `10.1.${items.length % 256}.${index + 1}`;
    const conditions = ['Initialized', 'ContainersReady', 'Ready'].map((type) => ({ type, status: 'True' }));
    await patchStatus(
      client,
      { ...pod, apiVersion: 'v1', kind: 'Pod' },
      { phase: 'Running', podIP: address, podIPs: [{ ip: address }], conditions },
    );
  }
  return waiting.length;
}

/**
 * @param {Client} client
 * @param {KubernetesObject} object
 * @param {object} status
 */
async function patchStatus(client, object, status) {
  const { namespace, name } = object.metadata;
  const resource = await client.resourceOf(object);
  const base = `/api/v1${namespace === undefined ? '' : `/namespaces/${namespace}`}/${resource?.name ?? nameOf(object)}`;
  await client.get(`${base}/${name}/status`, { method: 'PATCH', type: 'application/strategic-merge-patch+json', body: { status } });
}
