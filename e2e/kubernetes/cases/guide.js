// Case: what the API server says of the deployment guide that Ephemos started from, block by block and unmodified. What it takes without a word is
// for `ephemos doctor`, whose tests read the same files.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../../spire/room.js';
import { applyAll, removeAll } from '../apply.js';
import { danglingOf } from '../joins.js';
import { must } from '../must.js';
import { nameOf, readObjects } from '../objects.js';
import { podOf, workloadKinds } from '../pods.js';

/** @typedef {import('../objects.js').KubernetesObject} KubernetesObject */

/**
 * What is expected of an object; nothing said is taken without a word.
 * @typedef {object} Expected
 * @property {readonly string[]} [refused] parts of what the server says against it
 * @property {readonly string[]} [warned] parts of its only warning
 * @property {readonly string[]} [pod] parts of why its pod is not admitted
 * @property {string} [finds] what it selects in vain
 */

const folder = join(checkout, 'packages/cli/test/doctor/guide');
const hostPath = 'restricted volume types (volume "spire-agent-socket" uses restricted volume type "hostPath")';
const noSeccomp = 'seccompProfile (pod or container';
const spireServer = ['allowPrivilegeEscalation != false', 'unrestricted capabilities', 'runAsNonRoot != true', noSeccomp];

/** Each object of each block, by the name of the file and its own. @type {Readonly<Record<string, Readonly<Record<string, Expected>>>>} */
const expected = {
  '05-spire-server.yaml': { 'StatefulSet spire-system/spire-server': { warned: spireServer, pod: spireServer } },
  '06-application.yaml': { 'Deployment ephemos-demo/echo-server': { warned: [hostPath, noSeccomp], pod: [hostPath, noSeccomp] } },
  '07-service-and-network-policy.yaml': { 'Service ephemos-demo/echo-server': {}, 'NetworkPolicy ephemos-demo/echo-server-netpol': {} },
  '08-spire-server-services.yaml': { 'Service spire-system/spire-server': {}, 'Service spire-system/spire-server-lb': {} },
  '09-database.yaml': { 'Cluster spire-system/spire-postgres': { refused: ['.spec.monitoring.enabled: field not declared in schema'] } },
  '10-application-ha.yaml': {
    'PodDisruptionBudget ephemos-demo/echo-server-pdb': {},
    'HorizontalPodAutoscaler ephemos-demo/echo-server-hpa': {},
  },
  '11-service-monitors.yaml': {
    'ServiceMonitor ephemos-demo/echo-server-metrics': { finds: 'selects no Service' },
    'ServiceMonitor spire-system/spire-server-metrics': { finds: 'selects no Service' },
  },
  '13-alerting-rules.yaml': { 'PrometheusRule ephemos-demo/ephemos-alerts': {} },
  '15-pod-security.yaml': { 'Pod echo-server': { refused: ['spec.containers[0].image: Required value'] } },
  '16-istio.yaml': { 'ServiceEntry external-spire-server': {}, 'VirtualService echo-server': {} },
};
/** Configurations, images, Compose, a dashboard, and parts of a pod. */
const noObjects = [
  '01-server.conf',
  '02-agent.conf',
  '03-container.Dockerfile',
  '04-compose.yaml',
  '12-dashboard.json',
  '14-hardened.Dockerfile',
].concat('17-resources.yaml', '18-environment.yaml', '19-spire-performance.conf');
const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted', 'pod-security.kubernetes.io/warn': 'restricted' };

/** @type {import('../run.js').Case} */
export const guide = {
  name: 'guide',
  rule: 'of the nineteen blocks of the guide, unmodified, the API server refuses or flags exactly what is listed',
  run: async (world) => {
    const { admin } = world;
    const files = readdirSync(folder).sort();
    must(files.join() === [...Object.keys(expected), ...noObjects].sort().join(), `the blocks of the guide are ${files.join(', ')}`);
    const around = ['ephemos-demo', 'spire-system'].map((name) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: restricted },
    }));
    const accounts = [
      ['ephemos-demo', 'echo-server'],
      ['spire-system', 'spire-server'],
      // The pod of block 15 names neither.
      ['default', 'default'],
    ].map(([namespace, name]) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name: String(name) } }));
    await world.deploy([...around, ...accounts]);

    const blocks = Object.entries(expected).map(([file, objects]) => ({
      file,
      objects,
      texts: readObjects(readFileSync(join(folder, file), 'utf8')),
    }));
    const known = world.known(blocks.flatMap(({ texts }) => texts));
    const counts = { taken: 0, refused: 0, flagged: 0 };
    const problems = [];
    for (const { file, objects, texts } of blocks) {
      must(texts.map(nameOf).join() === Object.keys(objects).join(), `${file} holds ${texts.map(nameOf).join(', ')}`);
      for (const object of texts.filter((each) => known.includes(each))) {
        const want = objects[nameOf(object)] ?? {};
        const found = await verdictOf(world, object);
        problems.push(...differences(`${file}, ${nameOf(object)}`, want, found));
        counts[want.refused !== undefined ? 'refused' : Object.keys(want).length > 0 ? 'flagged' : 'taken'] += 1;
      }
    }
    await removeAll(admin, [...known, ...accounts]);
    must(problems.length === 0, problems.join('\n'));
    return `${counts.refused} objects refused, ${counts.flagged} flagged, ${counts.taken} taken without a word: ephemos doctor is who speaks of these`;
  },
};

/**
 * @param {import('../world.js').World} world
 * @param {KubernetesObject} object
 * @returns {Promise<{ refused: string, warned: string, pod: string, finds: string }>} empty where nothing is said
 */
async function verdictOf({ admin }, object) {
  const [applied] = await applyAll(admin, [object]);
  if (applied === undefined || !applied.ok) return { refused: applied?.refused ?? '', warned: '', pod: '', finds: '' };
  const pod = workloadKinds.includes(object.kind) ? (await admin.apply(podOf(object), { dryRun: true })).refused : '';
  const finds = object.kind === 'ServiceMonitor' ? (await danglingOf(admin, [object])).join('; ') : '';
  return { refused: '', warned: applied.warnings.join('; '), pod, finds };
}

/**
 * @param {string} name
 * @param {Expected} want
 * @param {{ refused: string, warned: string, pod: string, finds: string }} found
 */
function differences(name, want, found) {
  return /** @type {const} */ (['refused', 'warned', 'pod', 'finds']).flatMap((key) => {
    const parts = [want[key] ?? []].flat();
    const said = found[key];
    if (parts.length === 0) return said === '' ? [] : [`${name}: ${key}, unexpectedly: ${said}`];
    return parts
      .filter((part) => !said.includes(part))
      .map((part) => `${name}: ${key} does not say ${part}: ${said === '' ? 'nothing' : said}`);
  });
}
