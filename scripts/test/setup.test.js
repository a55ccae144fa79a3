import { existsSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { build, isBuilt } from '../lib/build.js';
import { run } from '../lib/command.js';
import { isInstalled } from '../lib/install.js';
import { withLock } from '../lib/lock.js';
import { root } from '../lib/workspace.js';
import { copyInto, linkPackages, plant } from './plant.js';

const setup = join(root, 'scripts/setup.js');

/** Runs setup.js in a process that looks like another one. */
function setupAs(change) {
  return run(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(change)}`, setup]);
}

const versions = (more) => `Object.defineProperty(process, 'versions', { value: ${JSON.stringify(more)} });`;
const refusals = [
  [
    'an older Node.js',
    versions({ node: '20.18.3' }),
    'setup: this is Node.js 20.18.3, and Ephemos needs 20.19 or newer: https://nodejs.org\n',
  ],
  [
    'Bun',
    versions({ node: '24.0.0', bun: '1.3.0' }),
    'setup: this is Bun, and Ephemos needs Node.js 20.19 or newer: run the command with npm\n',
  ],
  ['Deno', 'globalThis.Deno = {};', 'setup: this is Deno, and Ephemos needs Node.js 20.19 or newer: run the command with npm\n'],
  [
    'Windows',
    "Object.defineProperty(process, 'platform', { value: 'win32' });",
    'setup: Windows is not supported: use WSL, Linux or macOS\n',
  ],
];

test.each(refusals)('%s is refused with one line', async (_, change, line) => {
  expect(await setupAs(change)).toMatchObject({ code: 1, output: line });
});

test('node_modules counts as installed when npm recorded what the lock file names, less optional packages', () => {
  const lock = {
    '': {},
    'packages/a': { version: '1.0.0' },
    'node_modules/a': { resolved: 'packages/a', link: true },
    'node_modules/b': { version: '2.0.0', integrity: 'sha512-b' },
    'node_modules/b-darwin': { version: '2.0.0', integrity: 'sha512-c', optional: true },
  };
  const { '': _root, 'node_modules/b-darwin': _optional, ...record } = lock;
  const base = plant({
    'package-lock.json': { packages: lock },
    'node_modules/.package-lock.json': { packages: record },
    'packages/a/package.json': {},
    'node_modules/a/package.json': {},
    'node_modules/b/package.json': {},
  });
  expect(isInstalled(base)).toBe(true);
  writeFileSync(
    join(base, 'package-lock.json'),
    JSON.stringify({ packages: { ...lock, 'node_modules/b': { version: '2.0.1', integrity: 'sha512-d' } } }),
  );
  expect(isInstalled(base)).toBe(false);
  writeFileSync(join(base, 'package-lock.json'), JSON.stringify({ packages: lock }));
  expect(isInstalled(base)).toBe(true);
  rmSync(join(base, 'node_modules'), { recursive: true });
  expect(isInstalled(base)).toBe(false);
});

/** A workspace of one package with a command, installed and built. */
async function builtWorkspace() {
  const base = plant({
    'package.json': { workspaces: ['packages/a'] },
    'package-lock.json': { packages: {} },
    'node_modules/.ephemos/installed': 'x',
    'packages/a/package.json': { name: 'a', type: 'module', bin: { 'a-command': './dist/main.js' } },
    'packages/a/tsconfig.json': {
      extends: '../../tsconfig.base.json',
      compilerOptions: { rootDir: 'src', outDir: 'dist', tsBuildInfoFile: 'dist/.tsbuildinfo', types: [] },
    },
    'packages/a/src/main.ts': "#!/usr/bin/env node\nexport const a: string = 'a';\n",
    'packages/a/src/other.ts': "export const b: string = 'b';\n",
  });
  copyInto(base, 'tsconfig.base.json');
  linkPackages(base, 'typescript', '@typescript');
  await build(base);
  return base;
}

test('a build makes the commands executable and reachable', async () => {
  const base = await builtWorkspace();
  expect(isBuilt(base)).toBe(true);
  expect(statSync(join(base, 'node_modules/.bin/a-command')).mode & 0o111).toBe(0o111);
});

test('a build is due after a source changed, went, or dist went, and then leaves nothing behind of what is gone', async () => {
  const base = await builtWorkspace();
  const source = join(base, 'packages/a/src/other.ts');
  utimesSync(source, new Date(), new Date(Date.now() + 1000));
  expect(isBuilt(base)).toBe(false);
  await build(base);
  expect(isBuilt(base)).toBe(true);

  renameSync(source, join(base, 'packages/a/src/renamed.ts'));
  expect(isBuilt(base)).toBe(false);
  await build(base);
  expect(existsSync(join(base, 'packages/a/dist/other.js'))).toBe(false);
  expect(existsSync(join(base, 'packages/a/dist/renamed.js'))).toBe(true);

  rmSync(join(base, 'packages/a/dist'), { recursive: true });
  expect(isBuilt(base)).toBe(false);
});

test('a build that fails says why and is not taken for done', async () => {
  const base = await builtWorkspace();
  writeFileSync(join(base, 'packages/a/src/other.ts'), 'export const b: string = 1;\n');
  await expect(build(base)).rejects.toThrow('TS2322');
  expect(isBuilt(base)).toBe(false);
});

test('a lock is held by one at a time, and each waiter is told once', async () => {
  const path = join(plant({}), 'lock');
  const seen = [];
  let waits = 0;
  const hold = (name) =>
    withLock(
      path,
      async () => {
        seen.push(`${name} in`);
        await new Promise((resolve) => setImmediate(resolve));
        seen.push(`${name} out`);
      },
      { onWait: () => (waits += 1) },
    );
  await Promise.all([hold('a'), hold('b'), hold('c')]);
  expect(seen).toHaveLength(6);
  for (const index of [0, 2, 4]) expect(seen[index + 1]).toBe(seen[index].replace('in', 'out'));
  expect(waits).toBe(2);
  expect(existsSync(path)).toBe(false);
});

test('a lock whose holder is gone is taken over', async () => {
  const path = join(plant({ lock: '999999\n' }), 'lock');
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(path, longAgo, longAgo);
  expect(await withLock(path, async () => readFileSync(path, 'utf8'))).toBe(`${process.pid}\n`);
});
