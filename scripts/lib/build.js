// Turns the packages' TypeScript into dist and links their commands into node_modules/.bin, and knows whether that has been done.
import { createHash } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { run } from './command.js';
import { head } from './output.js';
import { filesUnder, workspacePackages } from './workspace.js';

function stampPath(base) {
  return join(base, 'node_modules/.ephemos/built');
}

/** The packages that have something to build. */
function projects(base) {
  return workspacePackages(base).filter(
    (pkg) => existsSync(join(pkg.dir, 'tsconfig.json')) && filesUnder(join(pkg.dir, 'src'), (name) => name.endsWith('.ts')).length > 0,
  );
}

/** Names, sizes and times of everything the build reads: a removed file counts as a change, which the newest time would not show. */
function fingerprint(base) {
  const hash = createHash('sha256').update(readFileSync(join(base, 'node_modules/.ephemos/installed')));
  const settings = [join(base, 'tsconfig.base.json')];
  for (const { dir } of projects(base))
    settings.push(join(dir, 'tsconfig.json'), join(dir, 'package.json'), ...filesUnder(join(dir, 'src'), () => true));
  for (const path of settings) {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${relative(base, path)} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/** The commands of the packages: { target, link }, `target` being the built file and `link` its place in node_modules/.bin. */
function commands(base) {
  return workspacePackages(base).flatMap(({ dir, json }) =>
    Object.entries(json.bin ?? {}).map(([name, path]) => ({ target: join(dir, path), link: join(base, 'node_modules/.bin', name) })),
  );
}

function isRunnable({ target, link }) {
  if (!existsSync(target)) return true;
  try {
    accessSync(target, constants.X_OK);
    return readlinkSync(link) === relative(dirname(link), target);
  } catch {
    return false;
  }
}

/** True when dist is what the sources say and the commands can be started. */
export function isBuilt(base) {
  const path = stampPath(base);
  return (
    existsSync(path) &&
    projects(base).every(({ dir }) => existsSync(join(dir, 'dist'))) &&
    commands(base).every(isRunnable) &&
    readFileSync(path, 'utf8') === fingerprint(base)
  );
}

/** npm links a command only when its file exists at install time, which is before the first build. */
function linkCommands(base) {
  for (const { target, link } of commands(base)) {
    if (!existsSync(target)) continue;
    chmodSync(target, 0o755);
    rmSync(link, { force: true });
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(relative(dirname(link), target), link);
  }
}

/** Removes what an older build left in dist for a source that is gone; `tsc -b` does not, and `npm pack` would publish it. */
function prune({ dir }) {
  const dist = join(dir, 'dist');
  for (const path of filesUnder(dist, (name) => /\.(js|d\.ts)(\.map)?$/.test(name))) {
    const source = relative(dist, path).replace(/(\.js|\.d\.ts)(\.map)?$/, '.ts');
    if (!existsSync(join(dir, 'src', source))) rmSync(path);
  }
}

/** Runs `tsc -b` over the packages. */
export async function build(base) {
  rmSync(stampPath(base), { force: true });
  const before = fingerprint(base);
  const tsc = join(base, 'node_modules/typescript/bin/tsc');
  const { code, output } = await run(process.execPath, [tsc, '-b', ...projects(base).map(({ path }) => path)], { cwd: base });
  if (code !== 0) throw new Error(`tsc -b failed (${code})\n${head(output)}`);
  for (const project of projects(base)) prune(project);
  linkCommands(base);
  writeFileSync(stampPath(base), before);
}
