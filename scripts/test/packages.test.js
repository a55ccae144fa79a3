import { expect, test } from 'vitest';
import { checkPackages } from '../check-packages.js';
import { renderErrors } from '../render-errors.js';
import { plant } from './plant.js';

const manifest = {
  version: '1.0.0',
  type: 'module',
  license: 'Apache-2.0',
  files: ['dist', 'README.md'],
  exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
};
/** A package in order, with changes. */
function packageFiles(path, changes = {}, files = {}) {
  const all = {
    'package.json': { ...manifest, name: path, ...changes },
    'README.md': 'a\n',
    LICENSE: 'a\n',
    'dist/index.js': 'export const a = 1;\n',
    'dist/index.d.ts': 'export declare const a: number;\n',
    ...files,
  };
  return Object.fromEntries(Object.entries(all).map(([name, content]) => [`packages/${path}/${name}`, content]));
}

test('what is wrong with a package is found, and nothing else', async () => {
  const names = ['good', 'private', 'stray', 'lacking', 'mute', 'extension'];
  const base = plant({
    'package.json': { workspaces: names.map((name) => `packages/${name}`) },
    ...packageFiles('good'),
    ...packageFiles('private', { private: true, exports: {} }, { 'dist/x.ts': '' }),
    ...packageFiles('stray', {}, { 'dist/.tsbuildinfo': '{}', 'dist/index.test.ts': 'x' }),
    ...packageFiles('lacking', { files: ['README.md'], bin: { lacking: './dist/main.js' } }),
    ...packageFiles('mute', { bin: { mute: './dist/index.js' } }),
    ...packageFiles('extension', {}, { 'dist/index.d.ts': "export * from './b';\n", 'dist/b.d.ts': 'export {};\n', 'dist/b.js': '' }),
  });
  const problems = (await checkPackages(base)).problems.map((each) => each.split('\n')[0].replace(/\(.*/, ''));
  expect(problems.filter((each) => !/publint|are-the-types/.test(each) || !each.startsWith('packages/lacking'))).toEqual([
    'packages/stray: the package would contain dist/.tsbuildinfo',
    'packages/stray: the package would contain dist/index.test.ts',
    'packages/lacking: the package would lack dist/index.js',
    'packages/lacking: the package would lack dist/main.js',
    expect.stringMatching(/^packages\/mute: publint: .*shebang/i),
    'packages/extension: are-the-types-wrong:',
  ]);
});

test('the page of error codes has a row for each code', () => {
  expect(renderErrors({ ERR_A: 'a | b', ERR_B: 'c' })).toMatch(/\| `ERR_A` \| a \\\| b \|\n\| `ERR_B` \| c \|\n$/);
});
