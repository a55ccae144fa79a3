// Turns YAML and JSON into Kubernetes objects: every document, and what a List holds.
import { parseAllDocuments } from 'yaml';

/**
 * What every object has; the rest is what its kind says.
 * @typedef {object} KubernetesObject
 * @property {string} apiVersion
 * @property {string} kind
 * @property {{ name: string, namespace?: string | undefined, labels?: Record<string, string>, [field: string]: any }} metadata
 * @property {any} [spec]
 * @property {any} [status]
 * @property {any} [data]
 * @property {any} [subjects]
 */

/**
 * Throws on text that is no YAML, and on a document that is no object.
 * @param {string} text
 * @returns {KubernetesObject[]}
 */
export function readObjects(text) {
  return parseAllDocuments(text)
    .map((document) => {
      const [problem] = document.errors;
      if (problem !== undefined) throw new Error(problem.message);
      return document.toJS();
    })
    .filter((value) => value !== null)
    .flatMap((value) => (value.kind === 'List' ? value.items : [value]));
}

/**
 * As people name it: Deployment namespace/name.
 * @param {KubernetesObject} object
 */
export function nameOf({ kind, metadata: { namespace, name } }) {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

/**
 * The group of an object, empty for the core.
 * @param {{ apiVersion: string }} object
 */
export function groupOf({ apiVersion }) {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}
