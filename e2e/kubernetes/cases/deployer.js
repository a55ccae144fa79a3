// Case: who has only the rights that base/deployers.yaml gives deploys everything that is not the administrator's, and can do no more.
import { applyAll, complaintsOf, mustBeTaken, removeAll } from '../apply.js';
import { must } from '../must.js';

/** @typedef {import('../objects.js').KubernetesObject} KubernetesObject */
/** @typedef {import('../client.js').Client} Client */

const adminLabel = 'app.kubernetes.io/component';
/** @param {KubernetesObject} object */
const isAdmins = ({ metadata }) => metadata.labels?.[adminLabel] === 'admin';

/** @type {import('../run.js').Case} */
export const deployerCase = {
  name: 'deployer',
  rule: 'a user with only our documented permissions deploys every overlay and component, and nothing else is open to it',
  run: async (world) => {
    const { admin, cluster, sources } = world;
    const [deployer, nobody] = [cluster.as('deployer'), cluster.as('nobody')];
    const spire = world.known((await sources.build('spire')).objects);
    await world.deploy(spire);
    const overlays = sources.builds.filter((path) => path.startsWith('overlays/'));
    const builds = [];
    for (const path of overlays) builds.push(await sources.build(path));
    for (const part of sources.components) builds.push(await sources.combine('overlays/production', [part]));
    let deployed = 0;
    for (const { name, objects } of builds) {
      const known = world.known(objects);
      const own = known.filter((each) => !isAdmins(each));
      mustBeTaken(await applyAll(admin, known.filter(isAdmins)));
      const complaints = complaintsOf(await applyAll(deployer, own));
      must(complaints.length === 0, `${name}, as the deployer:\n${complaints.join('\n')}`);
      // Once more, over what is there: an update is another right than a creation.
      mustBeTaken(await applyAll(deployer, own));
      deployed += own.length;
      await removeAll(deployer, own);
    }

    const production = world.known((await sources.build('overlays/production')).objects);
    const namespace = production.find(({ kind }) => kind === 'Deployment')?.metadata.namespace ?? '';
    const refusals = await refusedOf(deployer, { namespace, production, spire });
    for (const { what, status } of refusals) must(status === 403, `the deployer may ${what} (${status})`);
    const [workload] = production.filter(({ kind }) => kind === 'Deployment');
    must(workload !== undefined && (await nobody.apply(workload)).status === 403, 'a user without the group may deploy');
    await removeAll(admin, [...production, ...spire]);
    return `${deployed} objects of ${builds.length} builds deployed twice; ${refusals.length} other things refused, among them ${refusals[0]?.what}`;
  },
};

/**
 * What the deployer must not be able to do, and what the server answers.
 * @param {Client} client of the deployer
 * @param {{ namespace: string, production: readonly KubernetesObject[], spire: readonly KubernetesObject[] }} options
 */
async function refusedOf(client, { namespace, production, spire }) {
  const spireNamespaces = spire.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name);
  const rights = 'rbac.authorization.k8s.io';
  const bind = (/** @type {string} */ kind, /** @type {string | undefined} */ scope = undefined) => ({
    apiVersion: `${rights}/v1`,
    kind,
    metadata: { name: 'slip', namespace: scope },
    roleRef: { apiGroup: rights, kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: rights, kind: 'User', name: 'deployer' }],
  });
  const own = `/api/v1/namespaces/${namespace}`;
  const account = production.find(({ kind }) => kind === 'ServiceAccount')?.metadata.name ?? 'default';
  /** @type {[what: string, asking: Promise<{ status: number }>][]} */
  const asked = [
    ['read Secrets of its own namespace', client.ask(`${own}/secrets`)],
    ['read Secrets everywhere', client.ask('/api/v1/secrets')],
    ['run a command in a pod', client.ask(`${own}/pods/slip/exec`, { method: 'POST', query: { command: 'sh' } })],
    [
      'make a pod past its Deployment',
      client.ask(`${own}/pods`, { method: 'POST', body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'slip' } } }),
    ],
    ['take a token of the service', client.ask(`${own}/serviceaccounts/${account}/token`, { method: 'POST', body: {} })],
    ['create a ClusterRoleBinding', client.apply(bind('ClusterRoleBinding'))],
    ['create a RoleBinding', client.apply(bind('RoleBinding', namespace))],
    ['list nodes', client.ask('/api/v1/nodes')],
    ['delete its namespace', client.ask(own, { method: 'DELETE' })],
  ];
  for (const name of spireNamespaces) {
    asked.push(
      [`read Secrets in ${name}`, client.ask(`/api/v1/namespaces/${name}/secrets`)],
      [`read ConfigMaps in ${name}`, client.ask(`/api/v1/namespaces/${name}/configmaps`)],
      [`deploy into ${name}`, client.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'slip', namespace: name } })],
    );
  }
  // The objects of the administrator, as they are: not even what changes nothing.
  for (const each of production.filter(isAdmins)) asked.push([`change ${each.kind} ${each.metadata.name}`, client.apply(each)]);
  return Promise.all(asked.map(async ([what, asking]) => ({ what, status: (await asking).status })));
}
