// Reads the workspace: its packages, their exports maps, and which source file stands behind each public entry point.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout these scripts live in. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Parses a JSON file. */
export function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/**
 * A package of the workspace; `path` is relative, `dir` absolute.
 * @typedef {{ name: string, path: string, dir: string, json: Record<string, any> }} WorkspacePackage
 */

/**
 * Every package of `base`, in the order of the root package.json.
 * @returns {WorkspacePackage[]}
 */
export function workspacePackages(base = root) {
  const workspaces = readJson(join(base, 'package.json')).workspaces ?? [];
  return workspaces
    .filter((path) => existsSync(join(base, path, 'package.json')))
    .map((path) => {
      const json = readJson(join(base, path, 'package.json'));
      return { name: json.name, path, dir: join(base, path), json };
    });
}

/** The packages that are published. */
export function publicPackages(base = root) {
  return workspacePackages(base).filter((each) => each.json.private !== true);
}

/**
 * The public entry points of a package; `target` is the built file that the exports map names, `source` the .ts file behind it.
 * @param {WorkspacePackage} pkg
 * @returns {{ specifier: string, target: string, source: string }[]}
 */
export function entryPoints(pkg) {
  return Object.entries(pkg.json.exports ?? {})
    .map(([key, value]) => ({ key, target: typeof value === 'string' ? value : value.default }))
    .filter(({ target }) => target?.endsWith('.js'))
    .map(({ key, target }) => ({
      specifier: pkg.name + key.slice(1),
      target: join(pkg.dir, target),
      source: join(pkg.dir, target.replace(/^\.\/dist\//, 'src/').replace(/\.js$/, '.ts')),
    }));
}

/** The files under `dir` (recursively, without node_modules and dist) whose name passes `test`, as absolute paths, sorted. */
export function filesUnder(dir, test) {
  if (!existsSync(dir)) return [];
  const found = [];
  const visit = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (entry.name !== 'node_modules' && entry.name !== 'dist' && entry.name !== '.git') visit(path);
      } else if (test(entry.name)) found.push(path);
    }
  };
  visit(dir);
  return found.sort();
}

/** A path as it is shown to people: relative to `base`, with forward slashes. */
export function shown(path, base = root) {
  return relative(base, path).split(sep).join('/');
}
