// deploy/docker/Dockerfile and a copy of the repository in; an image out, and what it is: its id, its digest, its layers.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './command.js';

const repository = fileURLToPath(new URL('../../', import.meta.url));
/** What the Dockerfile is sent, and some of what it must not be sent. */
const sent = [
  'package.json',
  'package-lock.json',
  '.npmrc',
  'LICENSE',
  'tsconfig.base.json',
  'packages',
  'examples',
  'deploy/docker',
  'README.md',
];
/** In the labels of the image. */
export const labels = { VERSION: '0.1.0', REVISION: '0123456789abcdef', CREATED: '2026-01-02T03:04:05Z' };
const SOURCE_DATE_EPOCH = String(Date.parse(labels.CREATED) / 1000);
/** A build on a busy machine with nothing in the cache, in milliseconds. */
const BUILD_TIMEOUT_MS = 600_000;

/**
 * @typedef {object} Builder
 * @property {readonly string[]} command builds, and takes a Dockerfile and a folder more
 * @property {{ run: string, build: string }} bases
 * @property {(context: string, tag: string) => Promise<void>} build
 * @property {(image: string) => Promise<string>} digest as a registry would show it, in the OCI format
 * @property {(name: string) => string} copyRepository a folder with the repository as it is now
 */

/**
 * @param {{ store: string, storage: readonly string[], policy: string }} options
 * @returns {Builder}
 */
export function createBuilder({ store, storage, policy }) {
  const bases = { run: 'localhost/node:run', build: 'localhost/node:build' };
  // The times of files and of the image are given, and the label that names the version of buildah is left out.
  const same = ['--timestamp', SOURCE_DATE_EPOCH, '--identity-label=false', '--no-cache', '--jobs=2'];
  const command = ['buildah', ...storage, 'bud', '--signature-policy', policy, '--isolation', 'chroot', '--format', 'docker', ...same];
  const npmrc = join(store, 'npmrc');
  writeFileSync(npmrc, ['registry', 'cafile'].flatMap(setting).join(''));
  const values = { ...labels, SOURCE_DATE_EPOCH, BASE: bases.run, BUILD_BASE: bases.build };
  return {
    command,
    bases,
    async build(context, tag) {
      const file = join(context, 'deploy/docker/Dockerfile');
      const words = ['--ignorefile', `${file}.dockerignore`, '--secret', `id=npmrc,src=${npmrc}`, '--file', file, '--tag', tag];
      const args = Object.entries(values).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
      await run([...command, ...words, ...args, context], { timeout: BUILD_TIMEOUT_MS });
    },
    async digest(image) {
      const [folder, file] = [join(store, 'pushed'), join(store, 'digest')];
      const words = ['--quiet', '--format', 'oci', '--digestfile', file, '--signature-policy', policy];
      await run(['buildah', ...storage, 'push', ...words, image, `dir:${folder}`]);
      rmSync(folder, { recursive: true });
      return readFileSync(file, 'utf8').trim();
    },
    copyRepository(name) {
      const context = join(store, name);
      mkdirSync(join(context, 'deploy'), { recursive: true });
      // Installed packages would take longer than everything else, and leave no room.
      const filter = (/** @type {string} */ from) => !['node_modules', 'dist'].includes(basename(from));
      for (const each of sent) cpSync(join(repository, each), join(context, each), { recursive: true, filter });
      return context;
    },
  };
}

/**
 * A line of the npmrc for builds. Only what says where the registry is: what this machine may do there is nobody's business.
 * @param {string} name
 */
function setting(name) {
  const value = execFileSync('npm', ['config', 'get', name], { encoding: 'utf8', cwd: repository }).trim();
  return value === 'null' || value === 'undefined' || value === '' ? [] : [`${name}=${value}\n`];
}
