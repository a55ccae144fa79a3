// The custom resource definitions that deploy/kubernetes is applied against: out of Go modules (Istio, prometheus-operator), and out of a folder for
// those that no registry carries (SPIRE's controller manager, CloudNativePG).
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../../scripts/lib/programs.js';
import { createGo, findGo } from '../spire/go.js';
import { lock, neededGo, pinnedRelease } from '../spire/go-programs.js';
import { readObjects } from './objects.js';

/** @typedef {import('./objects.js').KubernetesObject} KubernetesObject */

/**
 * @typedef {object} Definitions
 * @property {readonly KubernetesObject[]} objects CustomResourceDefinitions
 * @property {readonly string[]} missing groups of which nothing is known here
 * @property {string} about where they come from
 */

const variable = 'EPHEMOS_CRDS_DIR';
const recipe = fileURLToPath(new URL('./recipe/crds', import.meta.url));
const beside = fileURLToPath(new URL('../../../shared/crds', import.meta.url));

/** @type {readonly { name: string, module: string, folder: string, file: RegExp }[]} */
const modules = [
  { name: 'istio', module: 'istio.io/api', folder: 'kubernetes', file: /^customresourcedefinitions\.gen\.yaml$/ },
  {
    name: 'prometheus-operator',
    module: 'github.com/prometheus-operator/prometheus-operator',
    folder: 'example/prometheus-operator-crd',
    file: /^monitoring\.coreos\.com_.*\.yaml$/,
  },
];

/** Folders of EPHEMOS_CRDS_DIR, and the group that each defines. */
const given = { spire: 'spire.spiffe.io', cnpg: 'postgresql.cnpg.io' };

/**
 * @param {{ log: (line: string) => void }} options
 * @returns {Promise<Definitions>}
 */
export async function installDefinitions({ log }) {
  const texts = [];
  const about = [];
  for (const source of modules) {
    const version = pinnedRelease({ recipe, module: source.module });
    const folder = join(cacheFolder(), `crds-${source.name}-${version}`);
    if (!existsSync(folder)) await take({ source, version, folder, log });
    texts.push(...textsOf(folder));
    about.push(`${source.name} ${version}`);
  }
  const own = process.env[variable] ?? '';
  const base = own === '' ? beside : own;
  const missing = [];
  for (const [name, group] of Object.entries(given)) {
    const found = existsSync(join(base, name)) ? textsOf(join(base, name)) : [];
    if (found.length === 0) missing.push(group);
    else about.push(`${group} (${own === '' ? 'beside the checkout' : variable})`);
    texts.push(...found);
  }
  const objects = texts.flatMap(readObjects).filter(({ kind }) => kind === 'CustomResourceDefinition');
  return { objects, missing, about: about.join(', ') };
}

/** @param {string} folder */
function textsOf(folder) {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort();
  return files.map((name) => readFileSync(join(folder, name), 'utf8'));
}

/** @param {{ source: (typeof modules)[number], version: string, folder: string, log: (line: string) => void }} options */
async function take({ source, version, folder, log }) {
  const go = await findGo(neededGo(recipe));
  if (typeof go === 'string') {
    throw new Error(`${go} to fetch the resource definitions of ${source.name} with: install Go ${neededGo(recipe)} or newer`);
  }
  mkdirSync(cacheFolder(), { recursive: true });
  const unlock = await lock(`${folder}.lock`, log);
  const work = mkdtempSync(join(cacheFolder(), '.taking-'));
  try {
    if (existsSync(folder)) return; // Another process took them while we waited.
    for (const name of ['go.mod', 'go.sum']) copyFileSync(join(recipe, name), join(work, name));
    const tools = createGo({ command: go.command, folder: work, log: (line) => log(`${source.name} ${version}: ${line}`) });
    const from = join(await tools.download('fetching its resource definitions', source.module, version), source.folder);
    const to = join(work, 'crds');
    mkdirSync(to);
    for (const name of readdirSync(from).filter((each) => source.file.test(each))) copyFileSync(join(from, name), join(to, name));
    renameSync(to, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
    unlock();
  }
}
