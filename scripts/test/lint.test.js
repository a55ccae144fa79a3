import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { run } from '../lib/command.js';
import { root } from '../lib/workspace.js';
import { copyInto, linkPackages, write } from './plant.js';

const promises = `export async function save(): Promise<void> {
  await Promise.resolve();
}
export interface Source {
  close(): Promise<void>;
  next(): Promise<number> | undefined;
}
export class Box {
  async flush(): Promise<void> {
    await Promise.resolve();
  }
}
export function call<T>(body: () => T): T {
  return body();
}
`;

const breaches = {
  any: ['export const a: any = 1;', 'no-explicit-any'],
  'a value of type any from outside': ["export const a: number = JSON.parse('1');", 'no-unsafe-assignment'],
  'a non-null assertion': ['export const a = (b: string | undefined): string => b!;', 'no-non-null-assertion'],
  'a cast': ['export const a = (b: unknown): string => b as string;', 'consistent-type-assertions'],
  'a cast in angle brackets': ['export const a = (b: unknown): string => <string>b;', 'consistent-type-assertions'],
  'a default export': ['const a = 1;\nexport default a;', 'noDefaultExport'],
  printing: ["console.log('x');\nexport {};", 'noConsole'],
  'an async listener': ['export const a = (b: (c: () => void) => void): void => b(async () => Promise.resolve());', 'no-misused-promises'],
  'awaiting what is no promise': ['export const a = async (): Promise<number> => await 1;', 'await-thenable'],
  'throwing what is no error': ["export const a = (): never => { throw 'x'; };", 'only-throw-error'],
  'an unused variable': ['const a = 1;\nexport {};', 'noUnusedVariables'],
  '@ts-ignore': ['// @ts-ignore\nexport const a: number = 1;', 'ban-ts-comment'],
  'an import without its extension': ["export { save } from './promises';", 'useImportExtensions'],
  'a type imported as a value': ["import { Source } from './promises.ts';\nexport type A = Source;", 'useImportType'],
  'a Node module without node:': ["import { readFileSync } from 'fs';\nexport const a = readFileSync;", 'useNodejsImportProtocol'],
  'an enum': ['export enum A { b }', 'noEnum'],
  'an empty block': ['export function a(): void {}', 'noEmptyBlockStatements'],
};
const fileOf = (name) => `packages/dev/src/breach-${Object.keys(breaches).indexOf(name)}.ts`;

const floating = `import { EventEmitter, once } from 'node:events';
import { Box, call, type Source, save } from './promises.ts';

export function plant(source: Source, thenable: PromiseLike<void>): void {
  save();
  source.close();
  new Box().flush();
  const box = new Box();
  box.flush();
  call(() => save());
  source.next();
  [1, 2].map(async (n) => n);
  save().then(() => 1);
  once(new EventEmitter(), 'x');
  thenable;
  Promise.all([save()]);
}
`;

const inOrder = `// Turns nothing into something.
import { type Source, save } from './promises.ts';

/** Some names. */
export const names = ['a', 'b'] as const;

/** Closes. */
export async function shut(source: Source): Promise<void> {
  await source.close();
  void save();
}
`;

/** Path to a set of 'line rule', of everything both linters say of the planted files. */
const found = new Map();

beforeAll(async () => {
  const base = mkdtempSync(join(realpathSync(tmpdir()), 'ephemos-lint-'));
  write(base, {
    'tsconfig.json': { files: [], references: [{ path: 'packages/dev' }, { path: 'tsconfig.test.json' }] },
    'packages/dev/tsconfig.json': {
      extends: '../../tsconfig.base.json',
      compilerOptions: { rootDir: 'src', outDir: 'dist' },
      include: ['src'],
    },
    'packages/dev/package.json': { name: '@ephemos/dev', type: 'module', exports: {} },
    'packages/dev/src/promises.ts': promises,
    'packages/dev/src/index.ts': "export { Box, call, type Source, save } from './promises.ts';\n",
    'packages/dev/src/floating.ts': floating,
    'packages/dev/src/in-order.ts': inOrder,
    'packages/dev/src/someFile.ts': 'export const a = 1;\n',
    'packages/dev/src/generated_pb.ts': 'export default 1 as any;\n',
    'packages/dev/dist/built.js': 'export default 1;\n',
    'packages/dev/test/x.test.ts':
      "import { save } from '@ephemos/dev';\nimport { Box } from '../src/promises.ts';\n\nsave();\nnew Box().flush();\n",
    ...Object.fromEntries(Object.entries(breaches).map(([name, [code]]) => [fileOf(name), `${code}\n`])),
  });
  copyInto(base, 'biome.json', '.oxlintrc.json', '.gitignore', 'tsconfig.base.json', 'tsconfig.test.json');
  linkPackages(base, '@types/node', 'undici-types', 'vitest', '.bin');
  const node = (script, ...args) => run(process.execPath, [join(root, 'node_modules', script), ...args, '.'], { cwd: base });
  const biome = await node('@biomejs/biome/bin/biome', 'lint', '--error-on-warnings', '--max-diagnostics=none', '--reporter=json');
  const oxlint = await node('oxlint/bin/oxlint', '--type-aware', '--format=json');
  rmSync(base, { recursive: true });
  const add = (path, line, rule) => found.set(path, (found.get(path) ?? new Set()).add(`${line} ${rule}`));
  for (const { category, location } of JSON.parse(biome.stdout).diagnostics)
    add(location.path, location.start.line, category.split('/').at(-1));
  for (const { code, filename, labels } of JSON.parse(oxlint.stdout).diagnostics)
    add(filename, labels[0].span.line, /\((.*)\)/.exec(code)?.[1]);
});

const rulesOf = (path) => [...(found.get(path) ?? [])].map((each) => each.split(' ')[1]);

test('a promise nobody waits for is found, whichever way it is made', () => {
  const lines = [5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16];
  expect(lines.filter((line) => !found.get('packages/dev/src/floating.ts').has(`${line} no-floating-promises`))).toEqual([]);
});

test('a promise nobody waits for is found in tests too, where packages are known by name', () => {
  expect([...found.get('packages/dev/test/x.test.ts')].sort()).toEqual(['4 no-floating-promises', '5 no-floating-promises']);
});

test.each(Object.keys(breaches))('%s is found', (name) => {
  expect(rulesOf(fileOf(name))).toContain(breaches[name][1]);
});

test('a file name that is not in kebab case is found', () => {
  expect(rulesOf('packages/dev/src/someFile.ts')).toContain('useFilenamingConvention');
});

test('as const, and what STYLE.md asks for, pass; generated and built code is not looked at', () => {
  for (const path of ['src/in-order.ts', 'src/index.ts', 'src/promises.ts', 'src/generated_pb.ts', 'dist/built.js'])
    expect(rulesOf(`packages/dev/${path}`)).toEqual([]);
});
