// Case: slips in what deploy/kubernetes deploys do not get past this suite. Those that only show in the text (DNS in a NetworkPolicy, keys of a
// configuration, metrics in rules, heap and memory, drain and grace period) are for `ephemos doctor`, and held by test:deploy.
import { applyAll, mustBeTaken, removeAll } from '../apply.js';
import { danglingOf } from '../joins.js';
import { must } from '../must.js';
import { podOf, podsOf } from '../pods.js';

/** @typedef {import('../objects.js').KubernetesObject} KubernetesObject */
/** @typedef {import('../world.js').World} World */

/**
 * @typedef {object} Slip
 * @property {string} name
 * @property {string} kind of the object that it is made in: the first one of production or SPIRE
 * @property {(object: any) => void} make
 * @property {RegExp} said
 */

const container = (/** @type {any} */ workload) => workload.spec.template.spec.containers[0];
const podSecurity = /violates PodSecurity "restricted/;

/** What the server refuses of the object itself. @type {readonly Slip[]} */
const refused = [
  {
    name: 'a misspelt probe',
    kind: 'Deployment',
    make: (it) => rename(container(it), 'livenessProbe', 'livenesProbe'),
    said: /livenesProbe": field not declared in schema/,
  },
  {
    name: 'a selector that is not that of its pods',
    kind: 'Deployment',
    make: (it) => (it.spec.selector.matchLabels.slip = 'yes'),
    said: /selector.*does not match template/,
  },
  {
    name: 'a request above its limit',
    kind: 'Deployment',
    make: (it) => (container(it).resources.requests.memory = '100Gi'),
    said: /must be less than or equal to memory limit/,
  },
  {
    name: 'a volume that is mounted and not there',
    kind: 'Deployment',
    make: (it) => it.spec.template.spec.volumes.pop(),
    said: /volumeMounts.*Not found/,
  },
  {
    name: 'a misspelt field of an identity',
    kind: 'ClusterSPIFFEID',
    make: (it) => rename(it.spec, 'spiffeIDTemplate', 'spiffeIdTemplate'),
    said: /spiffeIdTemplate": field not declared in schema/,
  },
  {
    name: 'a misspelt field of a monitor',
    kind: 'ServiceMonitor',
    make: (it) => (it.spec.endpoints[0].intervall = '30s'),
    said: /intervall": field not declared in schema/,
  },
  {
    name: 'monitoring.enabled of the guide',
    kind: 'Cluster',
    make: (it) => (it.spec.monitoring = { enabled: true }),
    said: /monitoring\.enabled: field not declared in schema|enabled": field not declared|unknown field/,
  },
  {
    name: 'a protocol that is none',
    kind: 'NetworkPolicy',
    make: (it) => (firstPort(it).protocol = 'tcp'),
    said: /Unsupported value: "tcp"/,
  },
  {
    name: 'a version that is gone',
    kind: 'HorizontalPodAutoscaler',
    make: (it) => (it.apiVersion = 'autoscaling/v2beta2'),
    said: /knows no autoscaling\/v2beta2/,
  },
  {
    name: 'a budget with both bounds',
    kind: 'PodDisruptionBudget',
    make: (it) => Object.assign(it.spec, { minAvailable: 1, maxUnavailable: 1 }),
    said: /cannot be both set/,
  },
];

/** What the pod that a Deployment makes is refused for. @type {readonly Slip[]} */
const notAdmitted = [
  { name: 'root', kind: 'Deployment', make: (it) => everySecurity(it, { runAsNonRoot: false, runAsUser: 0 }), said: podSecurity },
  {
    name: 'privilege escalation',
    kind: 'Deployment',
    make: (it) => delete container(it).securityContext.allowPrivilegeEscalation,
    said: podSecurity,
  },
  { name: 'capabilities', kind: 'Deployment', make: (it) => delete container(it).securityContext.capabilities, said: podSecurity },
  { name: 'no seccomp profile', kind: 'Deployment', make: (it) => everySecurity(it, { seccompProfile: undefined }), said: podSecurity },
  {
    name: 'a folder of the host',
    kind: 'Deployment',
    make: (it) => it.spec.template.spec.volumes.push({ name: 'slip', hostPath: { path: '/run' } }),
    said: podSecurity,
  },
  { name: 'the network of the host', kind: 'Deployment', make: (it) => (it.spec.template.spec.hostNetwork = true), said: podSecurity },
  { name: 'no image', kind: 'Deployment', make: (it) => delete container(it).image, said: /image: Required value/ },
  {
    name: 'a service account that is not there',
    kind: 'Deployment',
    make: (it) => (it.spec.template.spec.serviceAccountName = 'slip'),
    said: /service account .*slip.* not found/,
  },
];

/** What is taken, and points at nothing. @type {readonly Slip[]} */
const dangling = [
  {
    name: 'the label that a ServiceMonitor selects',
    kind: 'Service',
    make: (it) => (it.metadata.labels = {}),
    said: /ServiceMonitor \S+ selects no Service/,
  },
  {
    name: 'the port that a ServiceMonitor scrapes',
    kind: 'ServiceMonitor',
    make: (it) => (it.spec.endpoints[0].port = 'slip'),
    said: /ServiceMonitor \S+ wants a port slip/,
  },
  { name: 'the pods of a Service', kind: 'Service', make: (it) => (it.spec.selector.slip = 'yes'), said: /Service \S+ selects no pod/ },
  {
    name: 'the named port of a Service',
    kind: 'Service',
    make: (it) => (it.spec.ports[0].targetPort = 'slip'),
    said: /Service \S+ wants a port slip/,
  },
  {
    name: 'the pods of a budget',
    kind: 'PodDisruptionBudget',
    make: (it) => (it.spec.selector.matchLabels.slip = 'yes'),
    said: /PodDisruptionBudget \S+ selects no pod/,
  },
  {
    name: 'the pods of a policy',
    kind: 'NetworkPolicy',
    make: (it) => (it.spec.podSelector = { matchLabels: { slip: 'yes' } }),
    said: /NetworkPolicy \S+ selects no pod/,
  },
  {
    name: 'what is scaled',
    kind: 'HorizontalPodAutoscaler',
    make: (it) => (it.spec.scaleTargetRef.name = 'slip'),
    said: /HorizontalPodAutoscaler \S+ scales Deployment slip/,
  },
];

/** @type {import('../run.js').Case} */
export const mutations = {
  name: 'mutations',
  rule: 'a misspelt field, a pod that is not restricted, a label or a name that points at nothing: each is noticed',
  run: async (world) => {
    const { admin, sources } = world;
    const everything = [...(await sources.build('overlays/production')).objects, ...(await sources.build('spire')).objects];
    const objects = world.known(everything);
    await world.deploy(objects);
    const pods = podsOf(everything);
    // Which every namespace has, where a controller makes it.
    const accounts = pods
      .filter(({ spec }) => spec.serviceAccountName === undefined)
      .map(({ metadata: { namespace } }) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } }));
    mustBeTaken(await applyAll(admin, [...accounts, ...pods]));
    const before = await danglingOf(admin, objects);
    must(before.length === 0, before.join('\n'));
    let noticed = 0;
    for (const { slip, object } of slipsIn(world, objects, refused)) {
      mustSay(slip, (await admin.apply(object, { dryRun: true })).refused);
      noticed += 1;
    }
    for (const { slip, object } of slipsIn(world, objects, notAdmitted)) {
      mustSay(slip, (await admin.apply(podOf(object, 'slip'), { dryRun: true })).refused);
      noticed += 1;
    }
    for (const { slip, object, original } of slipsIn(world, objects, dangling)) {
      mustBeTaken([await admin.apply(object)]);
      const found = await danglingOf(
        admin,
        objects.map((each) => (each === original ? object : each)),
      );
      mustSay(slip, found.join('\n'));
      mustBeTaken([await admin.apply(original)]);
      noticed += 1;
    }
    await removeAll(admin, [...objects, ...accounts, ...pods]);
    return `${noticed} slips noticed: ${refused.length} objects refused, ${notAdmitted.length} pods not admitted, ${dangling.length} that find nothing`;
  },
};

/**
 * Each slip, made in a copy of the first object of its kind.
 * @param {World} world
 * @param {readonly KubernetesObject[]} objects
 * @param {readonly Slip[]} slips
 */
function slipsIn({ missing }, objects, slips) {
  return slips.flatMap((slip) => {
    const original = objects.find(({ kind }) => kind === slip.kind);
    // Its kind may be one that nothing defines here.
    if (original === undefined && missing.length > 0) return [];
    if (original === undefined) throw new Error(`there is no ${slip.kind} to make the slip in: ${slip.name}`);
    const object = structuredClone(original);
    slip.make(object);
    return [{ slip, object, original }];
  });
}

/**
 * @param {Slip} slip
 * @param {string} said
 */
function mustSay({ name, kind, said: wanted }, said) {
  must(said !== '', `${kind}: ${name} is not noticed`);
  must(wanted.test(said), `${kind}: ${name} is refused for something else: ${said}`);
}

/**
 * @param {any} holder
 * @param {string} from
 * @param {string} to
 */
function rename(holder, from, to) {
  if (holder[from] === undefined) throw new Error(`there is no ${from} to misspell`);
  holder[to] = holder[from];
  delete holder[from];
}

/**
 * Of the pod and of its containers: what one says the other may say too.
 * @param {any} workload
 * @param {Readonly<Record<string, unknown>>} changes
 */
function everySecurity(workload, changes) {
  const pod = workload.spec.template.spec;
  for (const each of [pod, ...pod.containers, ...(pod.initContainers ?? [])]) {
    each.securityContext = { ...each.securityContext, ...changes };
  }
}

/** @param {any} policy */
function firstPort({ spec }) {
  const port = [...(spec.egress ?? []), ...(spec.ingress ?? [])].flatMap((/** @type {any} */ { ports = [] }) => ports)[0];
  if (port === undefined) throw new Error('the first NetworkPolicy names no port');
  return port;
}
