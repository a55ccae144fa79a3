// A client of the Kubernetes API as one user: objects go in by server-side apply with strict fields, and every warning is kept.
import { Agent, request } from 'node:https';
import { nameOf } from './objects.js';

/** @typedef {import('./objects.js').KubernetesObject} KubernetesObject */
/** @typedef {{ name: string, namespaced: boolean }} Resource */

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {any} body
 * @property {readonly string[]} warnings
 */

/**
 * What became of an object.
 * @typedef {object} Applied
 * @property {KubernetesObject} object as it was given
 * @property {boolean} ok
 * @property {number} status
 * @property {string} refused what the server says against it; empty when it took it
 * @property {readonly string[]} warnings
 * @property {any} body as it is now, or why not
 */

/** @typedef {{ method?: string, body?: unknown, type?: string, query?: Readonly<Record<string, string>> }} Asking */

/**
 * @typedef {object} Client
 * @property {(path: string, asking?: Asking) => Promise<Answer>} ask never throws for what the server answers
 * @property {(path: string, asking?: Asking) => Promise<any>} get the same; throws what the server says against it
 * @property {(object: KubernetesObject, options?: { dryRun?: boolean }) => Promise<Applied>} apply
 * @property {(object: KubernetesObject) => Promise<any>} create throws what the server says against it
 * @property {(object: KubernetesObject) => Promise<any>} read the object as it is now
 * @property {(object: KubernetesObject) => Promise<void>} remove and does not mind when there is none
 * @property {(object: { apiVersion: string, kind: string }) => Promise<Resource | undefined>} resourceOf undefined where there is no such kind
 * @property {() => void} close
 */

/** Who applies: one name, so that every overlay owns what the one before it set. */
const manager = 'ephemos-test';

/**
 * @param {{ port: number, ca: string, token: string }} options
 * @returns {Client}
 */
export function createClient({ port, ca, token }) {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  /** @type {Map<string, Promise<readonly (Resource & { kind: string })[]>>} */
  const known = new Map();

  /** @type {Client['ask']} */
  const ask = (path, { method = 'GET', body, type = 'application/json', query = {} } = {}) =>
    new Promise((resolve, reject) => {
      const words = new URLSearchParams(query).toString();
      const asked = request(
        {
          host: '127.0.0.1',
          port,
          method,
          path: words === '' ? path : `${path}?${words}`,
          ca,
          agent,
          headers: { authorization: `Bearer ${token}`, accept: 'application/json', 'content-type': type },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (part) => {
            text += part;
          });
          response.on('error', reject);
          response.on('end', () => {
            const isJson = /json/.test(response.headers['content-type'] ?? '');
            resolve({
              status: response.statusCode ?? 0,
              body: isJson ? JSON.parse(text) : text,
              warnings: warningsOf(response.rawHeaders),
            });
          });
        },
      );
      asked.on('error', reject);
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });

  /** @type {Client['get']} */
  const get = async (path, asking) => {
    const { status, body } = await ask(path, asking);
    if (status >= 400) throw new Error(`${asking?.method ?? 'GET'} ${path}: ${body.message ?? body}`);
    return body;
  };

  /** @type {Client['resourceOf']} */
  const resourceOf = async ({ apiVersion, kind }) => {
    const path = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const listing =
      known.get(path) ?? get(path).then(({ resources }) => resources.filter((/** @type {Resource} */ { name }) => !name.includes('/')));
    // Kinds come with their definitions: what is not there yet is asked for again.
    known.set(path, listing);
    const resource = (await listing.catch(() => undefined))?.find((/** @type {{ kind: string }} */ each) => each.kind === kind);
    if (resource === undefined) known.delete(path);
    return resource;
  };

  /** @param {KubernetesObject} object */
  const collectionOf = async (object) => {
    const resource = await resourceOf(object);
    if (resource === undefined) return undefined;
    const { apiVersion, metadata } = object;
    const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    return `${base}${resource.namespaced ? `/namespaces/${metadata.namespace ?? 'default'}` : ''}/${resource.name}`;
  };

  /** @param {KubernetesObject} object */
  const mustBeKnown = async (object) => {
    const collection = await collectionOf(object);
    if (collection === undefined) throw new Error(`the API server knows no ${object.apiVersion} ${object.kind}`);
    return collection;
  };

  return {
    ask,
    get,
    resourceOf,
    apply: async (object, { dryRun = false } = {}) => {
      const collection = await collectionOf(object);
      const unknown = `the API server knows no ${object.apiVersion} ${object.kind}`;
      if (collection === undefined) return { object, ok: false, status: 404, refused: unknown, warnings: [], body: undefined };
      const { status, body, warnings } = await ask(`${collection}/${object.metadata.name}`, {
        method: 'PATCH',
        type: 'application/apply-patch+yaml',
        body: object,
        query: { fieldManager: manager, fieldValidation: 'Strict', force: 'true', ...(dryRun ? { dryRun: 'All' } : {}) },
      });
      const ok = status < 300;
      return { object, ok, status, refused: ok ? '' : String(body.message ?? body), warnings, body };
    },
    create: async (object) => get(await mustBeKnown(object), { method: 'POST', body: object }),
    read: async (object) => get(`${await mustBeKnown(object)}/${object.metadata.name}`),
    remove: async (object) => {
      const { status, body } = await ask(`${await mustBeKnown(object)}/${object.metadata.name}`, { method: 'DELETE' });
      if (status >= 400 && status !== 404) throw new Error(`${nameOf(object)}: ${body.message ?? body}`);
    },
    close: () => agent.destroy(),
  };
}

/**
 * The texts of the Warning headers (RFC 7234 5.5), of which an answer may have many.
 * @param {readonly string[]} raw names and values in turn
 */
function warningsOf(raw) {
  return raw
    .filter((_, index) => index % 2 === 1 && raw[index - 1]?.toLowerCase() === 'warning')
    .map((value) => /^\d{3} \S+ "((?:[^"\\]|\\.)*)"/.exec(value)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? value);
}
