// Case: SPIRE's k8s_psat on this API server, with exactly our RBAC and configuration: who is attested, and who is not.

import { untilReady } from '../../spire/deployment/deployment.js';
import { installSpire } from '../../spire/install.js';
import { SetupError } from '../../spire/room.js';
import { must } from '../must.js';
import { addNode, podOf } from '../pods.js';
import { fileOf, openOutsideServer, startOutsideAgent } from '../spire-outside.js';
import { until } from '../until.js';

/** @typedef {import('../objects.js').KubernetesObject} KubernetesObject */
/** @typedef {import('../world.js').World} World */

const waitMs = 60_000;
const node = 'attested-node';
const tokenPath = /token_path = "(.+)"/;

/** @type {import('../run.js').Case} */
export const attestation = {
  name: 'attestation',
  rule: "with our RBAC and configuration a bound token of the agent's account attests; another account, another audience, a missing binding do not",
  run: async (world) => {
    const { admin, cluster, room, sources } = world;
    const spire = await installSpire({ log: room.log }).catch((error) => {
      throw new SetupError(error instanceof Error ? error.message : String(error));
    });
    const objects = (await sources.build('spire')).objects;
    await world.deploy(objects);
    const [serverSet, agentSet] = [only(objects, 'StatefulSet', 'server.conf'), only(objects, 'DaemonSet', 'agent.conf')];
    const [serverConf, agentConf] = [fileOf(objects, 'server.conf'), fileOf(objects, 'agent.conf')];
    const nodeId = (await addNode(admin, node)).metadata.uid;

    const serverToken = await tokenOf(world, accountOf(serverSet), {});
    const kubeconfig = cluster.writeKubeconfig('spire-server.kubeconfig', serverToken);
    const begin = performance.now();
    const server = await openOutsideServer({ room, spire, conf: serverConf, kubeconfig });
    const bundle = await publishedBundle(world, server, serverConf);
    const published = performance.now() - begin;

    // The audience is the one that the DaemonSet asks the kubelet for, where its agent.conf looks for it.
    const projected = projectedToken(agentSet, tokenPath.exec(agentConf)?.[1] ?? '');
    /** @param {string} name @param {{ account?: string, audience?: string, bound?: boolean }} [other] */
    const start = async (name, { account, audience = projected.audience, bound = true } = {}) => {
      const pod = podOf(agentSet, name);
      pod.spec = { ...pod.spec, nodeName: node, serviceAccountName: account ?? pod.spec.serviceAccountName };
      const { metadata } = await admin.create(pod);
      const token = await tokenOf(
        world,
        { namespace: metadata.namespace, name: pod.spec.serviceAccountName },
        { audience, ...(bound ? { pod: metadata } : {}) },
      );
      return startOutsideAgent({ room, spire, name, conf: agentConf, port: server.port, bundle, token, ca: cluster.ca });
    };

    const right = await start('right');
    const started = performance.now();
    await untilReady(right.program, { port: right.health });
    const attested = performance.now() - started;
    const { agents } = JSON.parse(await server.cli(['agent', 'list', '-output', 'json']));
    must(agents.length === 1, `${agents.length} agents are attested, not one`);
    must(agents[0].attestation_type === 'k8s_psat', `the agent was attested by ${agents[0].attestation_type}`);
    const cluster1 = /cluster = "(.+)"/.exec(agentConf)?.[1];
    must(agents[0].id.path === `/spire/agent/k8s_psat/${cluster1}/${nodeId}`, `the agent is ${agents[0].id.path}`);
    const selectors = agents[0].selectors.map((/** @type {{ value: string }} */ { value }) => value);
    for (const wanted of [`agent_sa:${accountOf(agentSet).name}`, `agent_ns:${accountOf(agentSet).namespace}`, `agent_node_name:${node}`]) {
      must(selectors.includes(wanted), `the agent has no selector ${wanted}: ${selectors.join(', ')}`);
    }
    await right.program.stop();

    const stranger = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'stranger', namespace: accountOf(agentSet).namespace } };
    await admin.create(stranger);
    const refusals = [
      await refusalOf(await start('stranger', { account: 'stranger' }), /"[^"]*:stranger\\?" is not an allowed service account/),
      await refusalOf(await start('elsewhere', { audience: 'somebody-else' }), /token audiences .*somebody-else.* is invalid/),
      await refusalOf(await start('podless', { bound: false }), /pod name/),
    ];
    const bindings = objects.filter(
      ({ kind, subjects }) =>
        kind === 'ClusterRoleBinding' && subjects?.some((/** @type {{ name: string }} */ { name }) => name === accountOf(serverSet).name),
    );
    must(bindings.length > 0, 'no ClusterRoleBinding names the service account of the server');
    for (const binding of bindings) await admin.remove(binding);
    try {
      refusals.push(await refusalOf(await start('unbound'), /cannot create resource \\?"tokenreviews/));
    } finally {
      for (const binding of bindings) await admin.apply(binding);
    }
    const after = JSON.parse(await server.cli(['agent', 'list', '-output', 'json'])).agents.length;
    must(after === 1, `${after} agents are attested after all, not one`);
    return [
      `attested ${seconds(attested)} after the start of the agent, bundle in its ConfigMap ${seconds(published)} after that of the server`,
      ...refusals.map((line) => `refused: ${line}`),
    ].join('\n');
  },
};

/** @param {number} ms */
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

/**
 * @param {readonly KubernetesObject[]} objects
 * @param {string} kind
 * @param {string} conf that it runs with
 */
function only(objects, kind, conf) {
  const mentions = objects.filter((each) => each.kind === kind && JSON.stringify(each.spec.template).includes(conf));
  const [found] = mentions;
  if (found === undefined || mentions.length > 1) throw new Error(`${mentions.length} of ${kind} run with ${conf}`);
  return found;
}

/** @param {KubernetesObject} workload */
function accountOf({ metadata, spec }) {
  return { namespace: metadata.namespace ?? '', name: String(spec.template.spec.serviceAccountName) };
}

/**
 * What the DaemonSet projects at that path.
 * @param {KubernetesObject} workload
 * @param {string} path
 * @returns {{ audience: string }}
 */
function projectedToken({ spec }, path) {
  const { containers, volumes } = spec.template.spec;
  for (const mount of containers.flatMap((/** @type {any} */ { volumeMounts = [] }) => volumeMounts)) {
    const volume = volumes.find((/** @type {any} */ { name }) => name === mount.name);
    const token = volume?.projected?.sources
      .map((/** @type {any} */ source) => source.serviceAccountToken)
      .find((/** @type {any} */ each) => each !== undefined && `${mount.mountPath}/${each.path}` === path);
    if (token !== undefined) return token;
  }
  throw new Error(`nothing projects a token to ${path}, where agent.conf looks for it`);
}

/**
 * From the API server, as the kubelet asks for it.
 * @param {World} world
 * @param {{ namespace: string, name: string }} account
 * @param {{ audience?: string, pod?: { name: string, uid: string } }} options
 * @returns {Promise<string>}
 */
async function tokenOf({ admin }, { namespace, name }, { audience, pod }) {
  const spec = {
    audiences: audience === undefined ? [] : [audience],
    expirationSeconds: 3600,
    ...(pod === undefined ? {} : { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod.name, uid: pod.uid } }),
  };
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
  return (await admin.get(`/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, { method: 'POST', body })).status.token;
}

/**
 * The bundle in the ConfigMap that server.conf names, which has to be the server's own.
 * @param {World} world
 * @param {import('../spire-outside.js').OutsideServer} server
 * @param {string} conf
 */
async function publishedBundle({ admin }, server, conf) {
  const setting = (/** @type {string} */ key) => new RegExp(`BundlePublisher[^]*?${key} = "(.+)"`).exec(conf)?.[1] ?? '';
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: setting('namespace'), name: setting('configmap_name') } };
  const text = await until(
    async () => {
      const refused = /"[^"]*forbidden[^"]*"/.exec(server.log())?.[0];
      if (refused !== undefined) throw new Error(`the server may not do what it has to: ${refused}`);
      return (await admin.read(map).catch(() => undefined))?.data?.[setting('configmap_key')];
    },
    { timeout: waitMs, what: 'trust bundle in its ConfigMap' },
  );
  const own = JSON.parse(await server.cli(['bundle', 'show', '-format', 'spiffe']));
  const x509 = (/** @type {any} */ bundle) =>
    bundle.keys.filter((/** @type {any} */ { use }) => use === 'x509-svid').map((/** @type {any} */ { x5c }) => x5c[0]);
  must(x509(own).length === 1, `the server has ${x509(own).length} authorities, not its offline root alone`);
  must(JSON.stringify(x509(JSON.parse(text))) === JSON.stringify(x509(own)), 'the ConfigMap holds another bundle than the server');
  return String(text);
}

/**
 * Why the server did not attest an agent.
 * @param {import('../spire-outside.js').OutsideAgent} agent
 * @param {RegExp} wanted
 */
async function refusalOf(agent, wanted) {
  const line = await until(
    // What may pass by itself it only warns of, and tries again.
    () =>
      agent
        .log()
        .split('\n')
        .find((each) => /"level":"(error|warning)"/.test(each) && wanted.test(each)),
    {
      timeout: waitMs,
      what: () => `refusal of the agent ${agent.program.name} (${wanted}); it said: ${agent.log().trim().split('\n').slice(-2).join('; ')}`,
    },
  );
  await agent.program.stop();
  return `${agent.program.name}: ${/"error":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1] ?? line}`;
}
