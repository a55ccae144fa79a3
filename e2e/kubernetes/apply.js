// Objects in; what the API server made of each, in the order in which a cluster takes them: definitions, namespaces, the rest.
import { groupOf, nameOf } from './objects.js';
import { until } from './until.js';

/** @typedef {import('./objects.js').KubernetesObject} KubernetesObject */
/** @typedef {import('./client.js').Client} Client */
/** @typedef {import('./client.js').Applied} Applied */

const establishMs = 60_000;
/** @param {KubernetesObject} object */
const isNamespace = ({ kind }) => kind === 'Namespace';

/**
 * @param {Client} client
 * @param {readonly KubernetesObject[]} objects
 * @returns {Promise<readonly Applied[]>}
 */
export async function applyAll(client, objects) {
  const applied = [];
  for (const each of [...objects.filter(isNamespace), ...objects.filter((object) => !isNamespace(object))])
    applied.push(await client.apply(each));
  return applied;
}

/**
 * What was applied, away again. Namespaces stay: without a controller they would never go.
 * @param {Client} client
 * @param {readonly KubernetesObject[]} objects
 */
export async function removeAll(client, objects) {
  for (const each of [...objects].reverse()) if (!isNamespace(each)) await client.remove(each);
}

/**
 * Applies definitions and waits until their kinds can be used.
 * @param {Client} client
 * @param {readonly KubernetesObject[]} definitions
 */
export async function applyDefinitions(client, definitions) {
  mustBeTaken(await Promise.all(definitions.map((each) => client.apply(each))));
  for (const each of definitions) {
    const isEstablished = async () =>
      (await client.read(each)).status?.conditions?.some(
        (/** @type {{ type: string, status: string }} */ { type, status }) => type === 'Established' && status === 'True',
      );
    await until(isEstablished, { timeout: establishMs, what: `condition Established of ${nameOf(each)}` });
  }
}

/**
 * What the server says against them, a line for each object.
 * @param {readonly Applied[]} applied
 */
export function complaintsOf(applied) {
  return applied
    .filter(({ ok, warnings }) => !ok || warnings.length > 0)
    .map(({ object, refused, warnings }) => `${nameOf(object)}: ${[...(refused === '' ? [] : [refused]), ...warnings].join('; ')}`);
}

/**
 * Throws when the server refused one, or warned of one.
 * @param {readonly Applied[]} applied
 */
export function mustBeTaken(applied) {
  const complaints = complaintsOf(applied);
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
}

/**
 * Objects whose kinds the server can know, and those that it cannot for want of definitions.
 * @param {readonly KubernetesObject[]} objects
 * @param {readonly string[]} missing groups
 */
export function partByDefinition(objects, missing) {
  const isKnown = (/** @type {KubernetesObject} */ each) => !missing.includes(groupOf(each));
  return { known: objects.filter(isKnown), unknown: objects.filter((each) => !isKnown(each)) };
}
