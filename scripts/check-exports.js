// Checks what the packages offer and what they bring along:
// - every exports-map entry has its source file, and every file directly in packages/ephemos/src is in the exports map
// - every public export carries a TSDoc comment, at the place where it is declared
// - every entry point can be imported alone: it prints nothing, starts nothing, and lets the process end
// - every dependency is imported by its package and named in SECURITY.md; nothing else is imported (check-layers.js sees to that)
// - everything that is installed, directly or not, allows the oldest Node version we promise, and the lock file serves every platform
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import semver from 'semver';
import { run } from './lib/command.js';
import { isMain, reportProblems } from './lib/output.js';
import { undocumentedExports } from './lib/public-exports.js';
import { readSource } from './lib/source-file.js';
import { entryPoints, filesUnder, publicPackages, readJson, root, shown, workspacePackages } from './lib/workspace.js';

function* mapProblems(pkg, base) {
  const entries = entryPoints(pkg);
  for (const { specifier, source } of entries)
    if (!existsSync(source)) yield `${pkg.path}: ${specifier} is exported, and ${shown(source, base)} does not exist`;
  const internal = pkg.name === 'ephemos' ? filesUnder(join(pkg.dir, 'src'), (name) => name.endsWith('.ts')) : [];
  for (const file of internal.filter((path) => dirname(path) === join(pkg.dir, 'src'))) {
    if (!entries.some(({ source }) => source === file))
      yield `${shown(file, base)} is an entry point by its place, and the exports map does not name it`;
  }
  for (const [key, value] of Object.entries(pkg.json.exports ?? {})) {
    const expected = typeof value === 'object' && value.default?.replace(/\.js$/, '.d.ts');
    if (typeof value === 'object' && (value.types !== expected || Object.keys(value)[0] !== 'types'))
      yield `${pkg.path}: exports '${key}' must name its types first, ${expected}`;
  }
  if (Object.keys(pkg.json.exports ?? {}).length === 0) yield `${pkg.path}: has no exports map, so that every file of it is public`;
}

function* docProblems(pkg, base) {
  for (const { source } of entryPoints(pkg)) {
    if (!existsSync(source)) continue;
    for (const { name, file, line } of undocumentedExports(source))
      yield `${shown(file, base)}:${line} ${name} is public (${basename(source)}) and has no TSDoc comment`;
  }
}

async function importProblem(specifier, target, base) {
  if (!existsSync(target)) return `${shown(target, base)} is not built: npm run build`;
  const { code, output, timedOut } = await run(
    process.execPath,
    ['--input-type=module', '-e', `await import(${JSON.stringify(specifier)})`],
    {
      cwd: base,
      timeoutMs: 20_000,
    },
  );
  if (timedOut) return `${specifier}: importing it keeps the process alive`;
  if (code !== 0)
    return `${specifier}: cannot be imported: ${
      output
        .trim()
        .split('\n')
        .find((line) => /^\w*Error\b.*: /.test(line)) ?? output.trim()
    }`;
  return output === '' ? undefined : `${specifier}: importing it prints: ${output.trim()}`;
}

function* dependencyProblems(pkg, base, security) {
  const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = pkg.json;
  const imported = new Set(
    filesUnder(join(pkg.dir, 'src'), (name) => name.endsWith('.ts')).flatMap((path) =>
      readSource(path).imports.map(({ specifier }) => specifier),
    ),
  );
  const ours = workspacePackages(base).map(({ name }) => name);
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
    const used = [...imported].some((specifier) => specifier === name || specifier?.startsWith(`${name}/`));
    if (!used) yield `${pkg.path}: lists ${name} and imports it nowhere`;
    if (pkg.json.private !== true && !ours.includes(name) && !security.includes(`\`${name}\``))
      yield `${pkg.path}: lists ${name}, and SECURITY.md does not name \`${name}\` with its reason`;
  }
}

/** Whether everything that must be installed allows `oldest` (npm is told engine-strict), and whether the lock file is complete. */
function* lockProblems(base, oldest) {
  const { packages } = readJson(join(base, 'package-lock.json'));
  for (const [path, { optional, link, engines, optionalDependencies }] of Object.entries(packages)) {
    for (const name of Object.keys(optionalDependencies ?? {})) {
      const known = Object.keys(packages).some((other) => other.endsWith(`node_modules/${name}`));
      if (!known) yield `package-lock.json lacks ${name}, which ${path || 'the root'} may need on another platform: npm ci will refuse it`;
    }
    if (path === '' || optional || link || engines?.node === undefined) continue;
    if (!semver.satisfies(oldest, engines.node)) yield `${path} needs Node.js ${engines.node}, and we promise ${oldest}`;
  }
}

/** Every problem in the checkout `base`; `imports` also starts one process for each entry point. */
export async function checkExports(base = root, { imports = true } = {}) {
  const problems = [];
  const securityPath = join(base, 'SECURITY.md');
  const security = existsSync(securityPath) ? readFileSync(securityPath, 'utf8') : '';
  if (security === '') problems.push('SECURITY.md does not exist; it names each production dependency with its reason');
  const oldest = semver.minVersion(readJson(join(base, 'package.json')).engines.node).version;
  let count = 0;
  for (const pkg of publicPackages(base)) {
    problems.push(...mapProblems(pkg, base), ...docProblems(pkg, base));
    const range = pkg.json.engines?.node;
    if (range === undefined || semver.minVersion(range).version !== oldest)
      problems.push(`${pkg.path}: engines.node must be >=${oldest}, as in the root`);
    for (const { specifier, target } of entryPoints(pkg)) {
      count += 1;
      const problem = imports ? await importProblem(specifier, target, base) : undefined;
      if (problem !== undefined) problems.push(problem);
    }
  }
  for (const pkg of workspacePackages(base)) problems.push(...dependencyProblems(pkg, base, security));
  problems.push(...lockProblems(base, oldest));
  return { problems, count };
}

if (isMain(import.meta.url)) {
  const { problems, count } = await checkExports(process.argv[2] === undefined ? root : resolve(process.argv[2]));
  reportProblems('exports', problems, `${count} entry points`);
}
