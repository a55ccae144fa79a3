// Finds etcd, the Kubernetes control plane and kustomize (KUBERNETES_BIN_DIR, then PATH, then our cache), or builds the pinned releases into the cache
// with Go: `node e2e/kubernetes/install.js` does it ahead of the suite.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installGoPrograms, pinnedRelease } from '../spire/go-programs.js';
import { installDefinitions } from './definitions.js';

/** @typedef {import('../spire/go-programs.js').Release} Release */

/**
 * @typedef {object} Tools
 * @property {string} etcd
 * @property {string} apiserver
 * @property {string} manager kube-controller-manager
 * @property {string} kustomize
 * @property {string} about the releases, and where each was found
 */

const variable = 'KUBERNETES_BIN_DIR';
const recipe = (/** @type {string} */ name) => fileURLToPath(new URL(`./recipe/${name}`, import.meta.url));

/** @type {Release} */
const etcd = {
  title: 'etcd',
  recipe: recipe('etcd'),
  module: 'go.etcd.io/etcd/server/v3',
  programs: { etcd: 'go.etcd.io/etcd/server/v3' },
  cache: 'etcd',
  variable,
  cgo: false,
  costs: 'half a minute on two cores, once; 25 MB are kept',
};

const kubernetesRecipe = { recipe: recipe('kubernetes'), module: 'k8s.io/kubernetes' };
/** @type {Release} */
const kubernetes = {
  title: 'Kubernetes',
  ...kubernetesRecipe,
  programs: {
    'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
    'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  },
  cache: 'kubernetes',
  variable,
  cgo: false,
  // Clients trip over the version that a build without it has.
  ldflags: `-X k8s.io/component-base/version.gitVersion=v${pinnedRelease(kubernetesRecipe)}`,
  // Kubernetes is developed as a workspace: what only its parts need stands in the second.
  sums: ['go.sum', 'go.work.sum'],
  costs: '8 to 15 minutes on two cores, once; 180 MB are kept',
};

/** @type {Release} */
const kustomize = {
  title: 'kustomize',
  recipe: recipe('kustomize'),
  module: 'sigs.k8s.io/kustomize/kustomize/v5',
  programs: { kustomize: 'sigs.k8s.io/kustomize/kustomize/v5' },
  cache: 'kustomize',
  variable,
  cgo: false,
  costs: 'half a minute on two cores, once; 12 MB are kept',
};

/**
 * Finds or builds them all. Throws an Error of one line that says what to install when it can do neither.
 * @param {{ log: (line: string) => void }} options
 * @returns {Promise<Tools>}
 */
export async function installTools({ log }) {
  /** @type {({ release: Release } & import('../spire/go-programs.js').Found)[]} */
  const found = [];
  for (const release of [etcd, kustomize, kubernetes]) found.push({ release, ...(await installGoPrograms(release, { log })) });
  const folderOf = (/** @type {Release} */ wanted) => found.find(({ release }) => release === wanted)?.folder ?? '';
  return {
    etcd: join(folderOf(etcd), 'etcd'),
    apiserver: join(folderOf(kubernetes), 'kube-apiserver'),
    manager: join(folderOf(kubernetes), 'kube-controller-manager'),
    kustomize: join(folderOf(kustomize), 'kustomize'),
    about: found
      .map(({ release, from }) => `${release.title} ${from === 'PATH' || from === variable ? '' : `${pinnedRelease(release)} `}(${from})`)
      .join(', '),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const log = (/** @type {string} */ line) => process.stderr.write(`${line}\n`);
  try {
    const tools = await installTools({ log });
    const definitions = await installDefinitions({ log });
    process.stdout.write(`${JSON.stringify({ ...tools, definitions: definitions.about }, undefined, 2)}\n`);
  } catch (error) {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
