// The lock file in, the packages that production needs out; the files of an image in, the packages and faults that are there out.
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

/** @param {string} path */
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/**
 * The workspace and everything that it depends on in production, as `name@version`, found by Node's own rule and not by npm.
 * @param {string} repository
 * @param {string} workspace
 * @returns {Set<string>}
 */
export function productionPackages(repository, workspace) {
  const { packages } = readJson(join(repository, 'package-lock.json'));
  const found = new Set();
  const seen = new Set();
  /** @param {string} location */
  function visit(location) {
    if (seen.has(location)) return;
    seen.add(location);
    const { version, dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = packages[location];
    // npm leaves out a name that the folder tells.
    const name = packages[location].name ?? /(?:^|\/)((?:@[^/]+\/)?[^/]+)$/.exec(location)?.[1];
    found.add(`${name}@${version}`);
    const peers = Object.keys(peerDependencies).filter((peer) => peerDependenciesMeta[peer]?.optional !== true);
    for (const each of [...Object.keys(dependencies), ...peers]) visit(locate(location, each));
  }
  /** @param {string} from @param {string} name @returns {string} */
  function locate(from, name) {
    for (let base = from; ; base = base.slice(0, Math.max(base.lastIndexOf('/'), 0))) {
      const at = `${base === '' ? '' : `${base}/`}node_modules/${name}`;
      if (packages[at] !== undefined) return packages[at].link === true ? packages[at].resolved : at;
      if (base === '') throw new Error(`the lock file does not say where ${name} of ${from} is`);
    }
  }
  visit(workspace);
  return found;
}

/**
 * The packages in `node_modules` folders, as `name@version`.
 * @param {string} folder
 * @param {Set<string>} [found]
 */
export function installedPackages(folder, found = new Set()) {
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const path = join(folder, name);
    if (name.startsWith('@')) installedPackages(path, found);
    else if (existsSync(join(path, 'package.json'))) {
      const manifest = readJson(join(realpathSync(path), 'package.json'));
      found.add(`${manifest.name}@${manifest.version}`);
      installedPackages(join(path, 'node_modules'), found);
    }
  }
  return found;
}

/**
 * The packages that a CycloneDX document lists.
 * @param {string} file
 */
export function listedPackages(file) {
  const { components } = readJson(file);
  return new Set(components.map((/** @type {{ purl: string }} */ { purl }) => decodeURIComponent(purl.slice('pkg:npm/'.length))));
}

/**
 * What in `wanted` and `found` is not in both.
 * @param {ReadonlySet<string>} wanted
 * @param {ReadonlySet<string>} found
 */
export function difference(wanted, found) {
  const missing = [...wanted].filter((each) => !found.has(each)).map((each) => `${each} is missing`);
  return [...missing, ...[...found].filter((each) => !wanted.has(each)).map((each) => `${each} is too much`)];
}

/**
 * The files that anybody but root may write, whose links lead nowhere, or which only building and reading need.
 * @param {string} folder
 * @returns {string[]}
 */
export function faultyFiles(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).flatMap((name) => {
    const path = join(folder, name);
    const stats = lstatSync(path);
    if (stats.isSymbolicLink()) return existsSync(path) ? [] : [`${name} leads nowhere`];
    const faults = (stats.mode & 0o022) !== 0 || stats.uid !== 0 || (stats.mode & 0o6000) !== 0 ? [`${name} is for others to write`] : [];
    return /\.(d\.ts|map|tsbuildinfo|pem|key)$|(^|\/)(\.env|\.npmrc|package-lock\.json|\.package-lock\.json|decoy\.js)$/.test(name)
      ? [...faults, `${name} has no use here`]
      : faults;
  });
}
