// What points at something by labels or by name, and whether it finds it: asked of the API server, whose selectors they are.
import { nameOf } from './objects.js';

/** @typedef {import('./objects.js').KubernetesObject} KubernetesObject */
/** @typedef {import('./client.js').Client} Client */
/** @typedef {{ matchLabels?: Record<string, string>, matchExpressions?: { key: string, operator: string, values?: string[] }[] }} Selector */

/**
 * What finds nothing, a line for each: monitors, Services, PodDisruptionBudgets, NetworkPolicies and autoscalers of these objects. The pods have to be there.
 * @param {Client} client
 * @param {readonly KubernetesObject[]} objects
 * @returns {Promise<readonly string[]>}
 */
export async function danglingOf(client, objects) {
  const lines = [];
  for (const object of objects) {
    const problem = await problemOf(client, object);
    if (problem !== undefined) lines.push(`${nameOf(object)} ${problem}`);
  }
  return lines;
}

/**
 * @param {Client} client
 * @param {KubernetesObject} object
 * @returns {Promise<string | undefined>}
 */
async function problemOf(client, object) {
  const { kind, metadata, spec } = object;
  const pods = (/** @type {Selector} */ selector) => find(client, 'pods', metadata.namespace, selector);
  switch (kind) {
    case 'Service': {
      if (spec.selector === undefined) return undefined;
      const found = await pods({ matchLabels: spec.selector });
      if (found.length === 0) return 'selects no pod';
      const wanted = spec.ports
        .map((/** @type {any} */ port) => port.targetPort ?? port.port)
        .filter((/** @type {unknown} */ port) => typeof port === 'string');
      return missingPort(wanted, portsOf(found));
    }
    case 'PodDisruptionBudget':
      return (await pods(spec.selector)).length === 0 ? 'selects no pod' : undefined;
    case 'NetworkPolicy':
      return (await pods(spec.podSelector)).length === 0 ? 'selects no pod' : undefined;
    case 'ServiceMonitor': {
      const services = [];
      for (const namespace of namespacesOf(object)) services.push(...(await find(client, 'services', namespace, spec.selector)));
      if (services.length === 0) return 'selects no Service';
      const names = services.flatMap((service) => service.spec.ports.map((/** @type {{ name?: string }} */ { name }) => name));
      return missingPort(
        spec.endpoints.map((/** @type {{ port: string }} */ { port }) => port),
        names,
      );
    }
    case 'PodMonitor': {
      const found = [];
      for (const namespace of namespacesOf(object)) found.push(...(await find(client, 'pods', namespace, spec.selector)));
      if (found.length === 0) return 'selects no pod';
      return missingPort(
        spec.podMetricsEndpoints.map((/** @type {{ port: string }} */ { port }) => port),
        portsOf(found),
      );
    }
    case 'HorizontalPodAutoscaler': {
      const { apiVersion, kind: target, name } = spec.scaleTargetRef;
      const found = await client
        .read({ apiVersion, kind: target, metadata: { name, namespace: metadata.namespace } })
        .catch(() => undefined);
      return found === undefined ? `scales ${target} ${name}, which there is none of` : undefined;
    }
    default:
      return undefined;
  }
}

/** @param {KubernetesObject} monitor */
function namespacesOf({ metadata, spec }) {
  return spec.namespaceSelector?.matchNames ?? [metadata.namespace];
}

/**
 * @param {Client} client
 * @param {'pods' | 'services'} what
 * @param {string | undefined} namespace
 * @param {Selector} selector
 * @returns {Promise<readonly KubernetesObject[]>}
 */
async function find(client, what, namespace, { matchLabels = {}, matchExpressions = [] }) {
  const words = [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(({ key, operator, values = [] }) => {
      if (operator === 'Exists') return key;
      if (operator === 'DoesNotExist') return `!${key}`;
      return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`;
    }),
  ];
  return (await client.get(`/api/v1/namespaces/${namespace}/${what}`, { query: { labelSelector: words.join(',') } })).items;
}

/** @param {readonly KubernetesObject[]} pods */
function portsOf(pods) {
  return pods.flatMap(({ spec }) =>
    [...spec.containers, ...(spec.initContainers ?? [])].flatMap((container) =>
      (container.ports ?? []).map((/** @type {{ name?: string }} */ { name }) => name),
    ),
  );
}

/**
 * @param {readonly string[]} wanted
 * @param {readonly (string | undefined)[]} there
 */
function missingPort(wanted, there) {
  const missing = wanted.find((name) => !there.includes(name));
  return missing === undefined ? undefined : `wants a port ${missing}, which nothing that it selects has`;
}
