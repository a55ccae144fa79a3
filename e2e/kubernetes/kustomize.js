// Turns the folders of deploy/kubernetes, or of a project's copy, into objects: every kustomization, and every component on the overlay it is made for.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { parse } from 'yaml';
import { readObjects } from './objects.js';

/** @typedef {import('./objects.js').KubernetesObject} KubernetesObject */

/**
 * @typedef {object} Build
 * @property {string} name such as overlays/production
 * @property {readonly KubernetesObject[]} objects
 */

/**
 * @typedef {object} Sources
 * @property {readonly string[]} builds folders that kustomize builds by themselves
 * @property {readonly string[]} components of the service
 * @property {readonly string[]} spireComponents
 * @property {(folder: string) => Promise<Build>} build
 * @property {(on: string, components: readonly string[]) => Promise<Build>} combine builds an overlay with components
 * @property {string} folder
 */

/**
 * @param {object} options
 * @param {string} options.from the folder with base/, components/, overlays/ and spire/
 * @param {string} options.folder where a copy of it is made, so that combinations can stand beside
 * @param {import('./install.js').Tools} options.tools
 * @param {import('../spire/process.js').Programs} options.programs
 * @returns {Sources}
 */
export function openSources({ from, folder, tools, programs }) {
  cpSync(from, folder, { recursive: true });
  const found = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name === 'kustomization.yaml')
    .map((entry) => ({
      path: relative(folder, entry.parentPath).split(sep).join('/'),
      kind: String(parse(readFileSync(join(entry.parentPath, entry.name), 'utf8'))?.kind ?? 'Kustomization'),
    }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const components = found.filter(({ kind }) => kind === 'Component').map(({ path }) => path);

  /** @type {Sources['build']} */
  const build = async (path) => {
    const { code, stdout, stderr } = await programs.run('kustomize', tools.kustomize, ['build', join(folder, path)]);
    if (code !== 0) throw new Error(`kustomize build ${path}: ${stderr.trim()}`);
    // What it warns of (deprecated fields) is as good as refused here.
    if (stderr.trim() !== '') throw new Error(`kustomize build ${path} warns: ${stderr.trim()}`);
    return { name: path, objects: readObjects(stdout) };
  };
  let combinations = 0;
  return {
    folder,
    builds: found.filter(({ kind }) => kind === 'Kustomization').map(({ path }) => path),
    components: components.filter((path) => path.startsWith('components/')),
    spireComponents: components.filter((path) => path.startsWith('spire/')),
    build,
    combine: async (on, parts) => {
      combinations += 1;
      const name = `combination-${combinations}`;
      mkdirSync(join(folder, name));
      writeFileSync(
        join(folder, name, 'kustomization.yaml'),
        JSON.stringify({
          apiVersion: 'kustomize.config.k8s.io/v1beta1',
          kind: 'Kustomization',
          resources: [`../${on}`],
          components: parts.map((part) => `../${part}`),
        }),
      );
      const { objects } = await build(name);
      return { name: `${on} with ${parts.map((part) => part.slice(part.lastIndexOf('/') + 1)).join(', ')}`, objects };
    },
  };
}

/**
 * Whether a folder has what the suite is about.
 * @param {string} folder
 */
export function isDeployment(folder) {
  return ['base', 'overlays/production', 'spire'].every((part) => existsSync(join(folder, part, 'kustomization.yaml')));
}
