// Checks the order of the house against every import statement: layers, packages, Node modules, third-party code, globals, cycles.
// No maintained tool reads TypeScript 7 sources on Node 20 for this; oxc-parser does the reading. The rules are in layers.js.
import { existsSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { entryPointRule, layers, leafImports, leaves, packages } from './layers.js';
import { findCycles } from './lib/cycles.js';
import { isMain, reportProblems } from './lib/output.js';
import { readSource } from './lib/source-file.js';
import { filesUnder, root, shown, workspacePackages } from './lib/workspace.js';

const networkGlobals = new Set(['fetch', 'WebSocket', 'EventSource']);
const order = Object.keys(layers);
const isScript = (name) => /\.([cm]?ts|[cm]?js)$/.test(name) && !name.endsWith('.d.ts');

/** The part of the house a file is in: 'packages/ephemos', 'examples/echo', 'e2e', ..., '' for the root. */
function zoneOf(path, base) {
  const [first, second] = shown(path, base).split('/');
  if (second === undefined) return '';
  return first === 'packages' || first === 'examples' ? `${first}/${second}` : first;
}

/** The package name in a bare specifier. */
function packageOf(specifier) {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Where a file of packages/ephemos/src stands: { rank, name, rule }, entry points after every layer. */
function placeOf(path, src) {
  const parts = shown(path, src).split('/');
  if (parts.length > 1) return { name: parts[0], rank: order.indexOf(parts[0]), rule: layers[parts[0]] };
  if (parts[0] === 'errors.ts') return { name: 'errors', rank: 0, rule: layers.errors };
  return { name: parts[0], rank: order.length, rule: { ...entryPointRule, packages: entryPointRule.packages[parts[0]] } };
}

/** Problems of one relative import. */
function* relativeProblems(file, target, { base, zone, library }) {
  const targetZone = zoneOf(target, base);
  const name = shown(target, base);
  if (targetZone !== zone) {
    if (leafImports[zone]?.includes(targetZone)) return;
    if (leaves.includes(targetZone.split('/')[0])) yield `imports ${name}, and ${targetZone} is imported by nothing`;
    else if (targetZone !== 'scripts') yield `reaches into ${targetZone} by path (${name}); import the package by its name`;
    else if (shown(file, base).startsWith('packages/')) yield `imports ${name}, and no package imports scripts`;
    return;
  }
  const inSrc = (path) => shown(path, base).startsWith(`${zone}/src/`);
  if (zone.startsWith('packages/') && inSrc(file) && !inSrc(target)) yield `imports ${name}, which is not published`;
  if (library === undefined || !inSrc(file)) return;
  const from = placeOf(file, library);
  const to = placeOf(target, library);
  if (from.rank === order.length && to.rank === order.length) yield `is an entry point and imports the entry point ${to.name}`;
  else if (from.rank >= 0 && to.rank > from.rank) yield `is in ${from.name} and imports ${to.name}, which stands after it`;
}

/** Problems of one import of a package or a Node module in the sources of a package. */
function* bareProblems({ specifier, typeOnly, dynamic }, pkg, place) {
  if (isBuiltin(specifier)) {
    if (!specifier.startsWith('node:')) yield `imports ${specifier} without node:`;
    const module = specifier.replace('node:', '');
    if (module === 'process' && !packages[pkg.name]?.prints) yield 'imports node:process; only the command does';
    else if (place !== undefined && !typeOnly && !(place.rule?.node ?? []).includes(module))
      yield `is in ${place.name}, which may not touch node:${module}`;
    return;
  }
  const name = packageOf(specifier);
  const { dependencies = {}, peerDependencies = {}, optionalDependencies = {} } = pkg.json;
  if (name in packages) {
    if (name !== pkg.name && !packages[pkg.name]?.imports.includes(name)) yield `${pkg.name} may not import ${name}`;
    if (name === pkg.name) yield `imports its own package by name (${specifier})`;
  } else if (place !== undefined && !(place.rule?.packages ?? []).includes(name)) yield `is in ${place.name}, which may not import ${name}`;
  if (name in optionalDependencies && !typeOnly && !dynamic) yield `imports the optional ${name} at once; import() it where it is needed`;
  else if (!(name in dependencies || name in peerDependencies || name in optionalDependencies || name === pkg.name))
    yield `imports ${name}, which ${pkg.path}/package.json does not list`;
}

/** Problems of one use of a global in the sources of a package. */
function* globalProblems(use, pkg, place) {
  const viaGlobal = use.name.startsWith('global') && networkGlobals.has(use.member);
  const { name, member } = viaGlobal ? { name: use.member } : use;
  const rule = place?.rule ?? packages[pkg.name] ?? {};
  if (rule.prints) return;
  if (name === 'process') {
    if (!(rule.process ?? []).includes(member))
      yield `touches process${member === undefined ? '' : `.${member}`}, which ${place?.name ?? pkg.name} may not`;
  } else if (name === 'console') yield 'prints; only the command does';
  else if (name === 'require') yield 'uses require';
  else if (place === undefined) return;
  else if (name === 'globalThis' || name === 'global') yield `touches ${name}`;
  else if (!rule.network) yield `is in ${place.name}, which may not use the network (${name})`;
}

function* fileProblems(file, context) {
  const { pkg, library, source, inSrc } = context;
  const place = library !== undefined && inSrc ? placeOf(file, library) : undefined;
  if (place?.rank === -1) yield [1, `is in ${place.name}, which is no layer of layers.js`];
  for (const each of source.imports) {
    const { specifier, line } = each;
    if (specifier === undefined) {
      if (inSrc) yield [line, 'imports a computed name, which no check can follow'];
    } else if (specifier.startsWith('.')) {
      for (const problem of relativeProblems(file, resolve(dirname(file), specifier), context)) yield [line, problem];
    } else if (inSrc) {
      const [problem] = bareProblems(each, pkg, place);
      if (problem !== undefined) yield [line, problem];
    } else if (context.applications.includes(packageOf(specifier)))
      yield [line, `imports ${specifier}, and examples are imported by nothing`];
  }
  if (inSrc) for (const each of source.globals) for (const problem of globalProblems(each, pkg, place)) yield [each.line, problem];
}

/** Every breach of the order in the checkout `base`, as lines 'file:line problem'; and how many files were read. */
export function checkLayers(base = root) {
  const all = workspacePackages(base);
  const applications = all.filter(({ path }) => path.startsWith('examples/')).map(({ name }) => name);
  const problems = all
    .filter(({ name, path }) => path.startsWith('packages/') && !(name in packages))
    .map(({ path }) => `${path}: is not in layers.js`);
  const graph = new Map();
  for (const file of filesUnder(base, isScript)) {
    const zone = zoneOf(file, base);
    const pkg = all.find(({ path }) => path === zone && path.startsWith('packages/'));
    const library = pkg?.name === 'ephemos' ? join(pkg.dir, 'src') : undefined;
    const source = readSource(file);
    const inSrc = pkg !== undefined && file.startsWith(join(pkg.dir, 'src/'));
    for (const [line, problem] of fileProblems(file, { base, zone, pkg, library, source, inSrc, applications })) {
      problems.push(`${shown(file, base)}:${line} ${problem}`);
    }
    const targets = source.imports
      .filter(({ specifier }) => specifier?.startsWith('.'))
      .map(({ specifier }) => resolve(dirname(file), specifier));
    graph.set(
      file,
      targets.filter((target) => existsSync(target) && isScript(basename(target))),
    );
  }
  for (const cycle of findCycles(graph)) problems.push(`import cycle: ${cycle.map((path) => shown(path, base)).join(' -> ')}`);
  return { problems, files: graph.size };
}

if (isMain(import.meta.url)) {
  const { problems, files } = checkLayers(process.argv[2] === undefined ? root : resolve(process.argv[2]));
  reportProblems('layers', problems, `${files} files`);
}
