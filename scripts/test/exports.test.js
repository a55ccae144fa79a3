import { expect, test } from 'vitest';
import { checkExports } from '../check-exports.js';
import { plant } from './plant.js';

const engines = { node: '>=20.19' };
const library = {
  name: 'ephemos',
  engines,
  exports: {
    '.': { types: './dist/index.d.ts', default: './dist/index.js' },
    './errors': { types: './dist/errors.d.ts', default: './dist/errors.js' },
  },
  dependencies: { undici: '^7' },
};
const tree = {
  'package.json': { workspaces: ['packages/ephemos'], engines },
  'package-lock.json': { packages: { 'node_modules/undici': { engines: { node: '>=20.18.1' } } } },
  'SECURITY.md': '- `undici`: HTTP\n',
  'packages/ephemos/package.json': library,
  'packages/ephemos/src/index.ts':
    "/** Says a. */\nexport const a: number = 1;\nexport { b } from './tls/b.ts';\nexport type { C } from './tls/b.ts';\n",
  'packages/ephemos/src/errors.ts': '/** Says e. */\nexport function e(): void {}\n',
  'packages/ephemos/src/tls/b.ts':
    "import { Agent } from 'undici';\n/** Says b. */\nexport const b = Agent;\n/** Says C. */\nexport interface C {}\n",
};

async function problemsOf(files) {
  const { problems } = await checkExports(plant({ ...tree, ...files }), { imports: false });
  return problems;
}

test('a tree in order has no problems', async () => {
  expect(await problemsOf({})).toEqual([]);
});

const breaches = [
  [
    'an entry without a source',
    {
      'packages/ephemos/package.json': {
        ...library,
        exports: { ...library.exports, './tls': { types: './dist/tls.d.ts', default: './dist/tls.js' } },
      },
    },
    'ephemos/tls is exported, and packages/ephemos/src/tls.ts does not exist',
  ],
  [
    'an entry point that is not exported',
    { 'packages/ephemos/src/grpc.ts': 'export {};\n' },
    'packages/ephemos/src/grpc.ts is an entry point by its place',
  ],
  [
    'types that do not belong to the entry',
    {
      'packages/ephemos/package.json': {
        ...library,
        exports: { ...library.exports, './errors': { types: './dist/index.d.ts', default: './dist/errors.js' } },
      },
    },
    "exports './errors' must name its types first",
  ],
  ['no exports map', { 'packages/ephemos/package.json': { ...library, exports: undefined } }, 'has no exports map'],
  [
    'an export without a comment',
    { 'packages/ephemos/src/errors.ts': 'export function e(): void {}\n' },
    'packages/ephemos/src/errors.ts:1 e is public (errors.ts) and has no TSDoc comment',
  ],
  [
    'a re-export without a comment',
    {
      'packages/ephemos/src/tls/b.ts': "import 'undici';\n/** Says b. */\nexport const b: number = 1;\n// Says C.\nexport interface C {}\n",
    },
    'packages/ephemos/src/tls/b.ts:5 C is public (index.ts)',
  ],
  [
    'an export * of something without a comment',
    { 'packages/ephemos/src/errors.ts': "export * from './tls/d.ts';\n", 'packages/ephemos/src/tls/d.ts': 'export class D {}\n' },
    'packages/ephemos/src/tls/d.ts:1 D is public (errors.ts)',
  ],
  [
    'an unused dependency',
    { 'packages/ephemos/src/tls/b.ts': '/** Says b. */\nexport const b: number = 1;\n/** Says C. */\nexport interface C {}\n' },
    'lists undici and imports it nowhere',
  ],
  ['a dependency that SECURITY.md does not name', { 'SECURITY.md': 'nothing\n' }, 'SECURITY.md does not name `undici`'],
  ['no SECURITY.md', { 'SECURITY.md': '' }, 'SECURITY.md does not exist'],
  [
    'a dependency that needs a newer Node.js',
    { 'package-lock.json': { packages: { 'node_modules/undici': { engines: { node: '>=22' } } } } },
    'node_modules/undici needs Node.js >=22, and we promise 20.19.0',
  ],
  [
    'a package that promises another Node.js',
    { 'packages/ephemos/package.json': { ...library, engines: { node: '>=22' } } },
    'engines.node must be >=20.19.0',
  ],
  [
    'a lock file made for one platform',
    { 'package-lock.json': { packages: { 'node_modules/x': { dev: true, optionalDependencies: { 'x-darwin-arm64': '1' } } } } },
    'package-lock.json lacks x-darwin-arm64',
  ],
];

test.each(breaches)('%s is found', async (_, files, problem) => {
  const problems = await problemsOf(files);
  expect(problems.filter((each) => each.includes(problem))).toHaveLength(1);
});

test('only optional packages may need a newer Node.js', async () => {
  const lock = (optional) => ({
    'package-lock.json': { packages: { 'node_modules/x': { dev: true, optional, engines: { node: '>=22' } } } },
  });
  expect(await problemsOf(lock(true))).toEqual([]);
  expect(await problemsOf(lock(false))).toHaveLength(1);
});

test('an entry point that prints, throws or keeps the process alive is found', async () => {
  const entry = (name) => [`./${name}`, { types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` }];
  const names = ['prints', 'throws', 'quiet', 'missing'];
  const files = {
    'package.json': { workspaces: ['packages/dev'], engines },
    'packages/dev/package.json': { name: '@ephemos/dev', engines, exports: Object.fromEntries(names.map(entry)) },
    'node_modules/@ephemos/dev/package.json': { name: '@ephemos/dev', type: 'module', exports: Object.fromEntries(names.map(entry)) },
  };
  const code = { prints: 'console.log(1)', throws: 'throw new TypeError("no")', quiet: 'export const a = 1' };
  for (const [name, text] of Object.entries(code)) {
    for (const folder of ['packages/dev', 'node_modules/@ephemos/dev']) files[`${folder}/dist/${name}.js`] = `${text};\n`;
    files[`packages/dev/src/${name}.ts`] = 'export {};\n';
  }
  files['packages/dev/src/missing.ts'] = 'export {};\n';
  const { problems } = await checkExports(plant({ ...tree, ...files }));
  expect(problems).toEqual([
    '@ephemos/dev/prints: importing it prints: 1',
    '@ephemos/dev/throws: cannot be imported: TypeError: no',
    'packages/dev/dist/missing.js is not built: npm run build',
  ]);
});
