import { expect, test } from 'vitest';
import { checkLayers } from '../check-layers.js';
import { plant } from './plant.js';

const manifests = {
  'package.json': { workspaces: ['packages/ephemos', 'packages/service', 'packages/dev', 'packages/cli', 'examples/echo'] },
  'packages/ephemos/package.json': {
    name: 'ephemos',
    dependencies: { undici: '7', '@bufbuild/protobuf': '2', '@connectrpc/connect': '2' },
    peerDependencies: { '@grpc/grpc-js': '1' },
  },
  'packages/service/package.json': { name: '@ephemos/service', dependencies: { ephemos: '0' } },
  'packages/dev/package.json': { name: '@ephemos/dev', dependencies: { ephemos: '0' }, optionalDependencies: { koffi: '3' } },
  'packages/cli/package.json': { name: '@ephemos/cli', dependencies: { ephemos: '0' }, optionalDependencies: { '@ephemos/dev': '0' } },
  'examples/echo/package.json': { name: '@ephemos/example-echo', private: true },
  'packages/ephemos/src/errors.ts': 'export const e: number = 1;\n',
  'packages/ephemos/src/tls.ts': "export { t } from './tls/t.ts';\n",
  'packages/ephemos/src/tls/t.ts': 'export const t: number = 1;\n',
  'packages/ephemos/src/spiffe/s.ts': 'export const s: number = 1;\n',
  'packages/ephemos/test/t.ts': 'export const t: number = 1;\n',
  'examples/echo/src/e.ts': 'export const e: number = 1;\n',
  'e2e/world.js': 'export const w = 1;\n',
};

function problemsOf(files) {
  return checkLayers(plant({ ...manifests, ...files })).problems;
}

test('a tree in order has no problems', () => {
  const problems = problemsOf({
    'packages/ephemos/src/index.ts': "export { e } from './errors.ts';\nexport { t } from './tls/t.ts';\n",
    'packages/ephemos/src/grpc.ts':
      "import { Server } from '@grpc/grpc-js';\nimport { connect } from 'node:tls';\nexport const a = [Server, connect];\n",
    'packages/ephemos/src/tls/u.ts':
      "import { s } from '../spiffe/s.ts';\nimport { e } from '../errors.ts';\nimport { TLSSocket } from 'node:tls';\nexport const u = [s, e, TLSSocket];\n",
    'packages/ephemos/src/authorize/a.ts': "import type { Socket } from 'node:net';\nexport type A = Socket;\n",
    'packages/ephemos/src/workload-api/w.ts':
      "import { create } from '@bufbuild/protobuf';\nexport const w = [create, process.env['SPIFFE_ENDPOINT_SOCKET']];\nfunction fetch(): void {}\nfetch();\n",
    'packages/cli/src/main.ts':
      "import { e } from 'ephemos/errors';\nconst dev = await import('@ephemos/dev');\nconsole.log(e, dev, process.argv);\nprocess.exit(0);\n",
    'e2e/run.js':
      "import { openX509Source } from 'ephemos';\nimport { nodeBinary } from '../scripts/node-versions.js';\nopenX509Source(nodeBinary);\n",
    'interop/run.js': "import { w } from '../e2e/world.js';\nexport { w };\n",
    'bench/run.js': "import { t } from '../packages/ephemos/dist/tls/t.js';\nexport { t };\n",
  });
  expect(problems).toEqual([]);
});

const breaches = [
  [
    'an import of a later layer',
    'packages/ephemos/src/spiffe/x.ts',
    "import { t } from '../tls/t.ts';",
    'is in spiffe and imports tls, which stands after it',
  ],
  ['a type-only import of a later layer', 'packages/ephemos/src/spiffe/x.ts', "import type { T } from '../tls/t.ts';", 'stands after it'],
  ['an import() type of a later layer', 'packages/ephemos/src/spiffe/x.ts', "export type T = import('../tls/t.ts').T;", 'stands after it'],
  ['a re-export of a later layer', 'packages/ephemos/src/spiffe/x.ts', "export * from '../tls/t.ts';", 'stands after it'],
  [
    'a dynamic import of a later layer',
    'packages/ephemos/src/spiffe/x.ts',
    "export const t = await import('../tls/t.ts');",
    'stands after it',
  ],
  [
    'a layer that imports an entry point',
    'packages/ephemos/src/spiffe/x.ts',
    "import { t } from '../tls.ts';",
    'is in spiffe and imports tls.ts',
  ],
  [
    'an entry point that imports another',
    'packages/ephemos/src/index.ts',
    "export { t } from './tls.ts';",
    'imports the entry point tls.ts',
  ],
  [
    'errors.ts that imports a layer',
    'packages/ephemos/src/errors.ts',
    "import { s } from './spiffe/s.ts';",
    'is in errors and imports spiffe',
  ],
  ['an unknown layer', 'packages/ephemos/src/helpers/x.ts', 'export {};', 'is no layer of layers.js'],
  [
    'a package that no rule knows',
    'packages/ephemos/src/spiffe/x.ts',
    "import x from 'left-pad';",
    'spiffe, which may not import left-pad',
  ],
  [
    'protobuf outside workload-api',
    'packages/ephemos/src/source/x.ts',
    "import { create } from '@bufbuild/protobuf';",
    'may not import @bufbuild/protobuf',
  ],
  ['undici outside http and undici.ts', 'packages/ephemos/src/tls/x.ts', "import { Agent } from 'undici';", 'may not import undici'],
  [
    'grpc-js outside grpc.ts, even as a type',
    'packages/ephemos/src/undici.ts',
    "import type { Server } from '@grpc/grpc-js';",
    'may not import @grpc/grpc-js',
  ],
  [
    'more than crypto in spiffe',
    'packages/ephemos/src/spiffe/x.ts',
    "import { readFileSync } from 'node:fs';",
    'spiffe, which may not touch node:fs',
  ],
  [
    'any Node module in authorize',
    'packages/ephemos/src/authorize/x.ts',
    "import { hash } from 'node:crypto';",
    'may not touch node:crypto',
  ],
  ['dialling from source', 'packages/ephemos/src/source/x.ts', "import { connect } from 'node:net';", 'may not touch node:net'],
  ['the global fetch in source', 'packages/ephemos/src/source/x.ts', "await fetch('http://x');", 'may not use the network'],
  [
    'the global fetch by its full name',
    'packages/ephemos/src/source/x.ts',
    "await globalThis.fetch('http://x');",
    'may not use the network',
  ],
  ['a Node module without node:', 'packages/ephemos/src/spiffe/x.ts', "import { hash } from 'crypto';", 'without node:'],
  ['printing', 'packages/ephemos/src/tls/x.ts', "console.log('x');", 'prints; only the command does'],
  ['exiting', 'packages/dev/src/x.ts', 'process.exit(1);', 'touches process.exit'],
  ['reading argv', 'packages/ephemos/src/tls/x.ts', 'export const a = process.argv;', 'touches process.argv'],
  ['writing to stdout', 'packages/dev/src/x.ts', "process.stdout.write('x');", 'touches process.stdout'],
  ['taking process apart', 'packages/ephemos/src/tls/x.ts', 'const { exit } = process;', 'touches process,'],
  ['importing node:process', 'packages/dev/src/x.ts', "import { exit } from 'node:process';", 'imports node:process'],
  ['globalThis', 'packages/ephemos/src/tls/x.ts', 'globalThis.process.exit(1);', 'touches globalThis'],
  ['the environment outside workload-api', 'packages/ephemos/src/source/x.ts', "export const e = process.env['X'];", 'touches process.env'],
  ['require', 'packages/ephemos/src/tls/x.ts', "require('x');", 'uses require'],
  ['a computed import', 'packages/ephemos/src/tls/x.ts', "export const x = await import('./' + 'y.ts');", 'computed name'],
  ['ephemos that imports dev', 'packages/ephemos/src/tls/x.ts', "import { a } from '@ephemos/dev';", 'ephemos may not import @ephemos/dev'],
  ['dev that imports service', 'packages/dev/src/x.ts', "import { a } from '@ephemos/service';", 'may not import @ephemos/service'],
  ['service that imports cli', 'packages/service/src/x.ts', "import { a } from '@ephemos/cli';", 'may not import @ephemos/cli'],
  [
    'a package that imports itself by name',
    'packages/ephemos/src/tls/x.ts',
    "import { a } from 'ephemos/errors';",
    'its own package by name',
  ],
  ['an unlisted dependency', 'packages/dev/src/x.ts', "import { z } from 'zod';", 'does not list'],
  ['an optional dependency imported at once', 'packages/dev/src/x.ts', "import koffi from 'koffi';", 'import() it where it is needed'],
  [
    'reaching into another package',
    'packages/dev/src/x.ts',
    "import { s } from '../../ephemos/src/spiffe/s.ts';",
    'reaches into packages/ephemos by path',
  ],
  [
    'a test that reaches into another package',
    'packages/dev/test/x.test.ts',
    "import { s } from '../../ephemos/src/spiffe/s.ts';",
    'reaches into',
  ],
  ['sources that import tests', 'packages/ephemos/src/tls/x.ts', "import { t } from '../../test/t.ts';", 'which is not published'],
  ['importing an example by path', 'e2e/x.js', "import { e } from '../examples/echo/src/e.ts';", 'examples/echo is imported by nothing'],
  ['importing an example by name', 'bench/x.js', "import { e } from '@ephemos/example-echo';", 'examples are imported by nothing'],
  ['importing e2e', 'packages/dev/test/x.test.ts', "import { w } from '../../../e2e/world.js';", 'e2e is imported by nothing'],
  [
    'a package that imports scripts',
    'packages/dev/src/x.ts',
    "import { r } from '../../../scripts/layers.js';",
    'no package imports scripts',
  ],
];

test.each(breaches)('%s is found', (_, path, code, problem) => {
  const problems = problemsOf({ [path]: `${code}\n` });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(`${path}:1 `);
  expect(problems[0]).toContain(problem);
});

test('an import cycle is found, also through a type', () => {
  const problems = problemsOf({
    'packages/ephemos/src/spiffe/a.ts': "import { b } from './b.ts';\nexport const a = b;\n",
    'packages/ephemos/src/spiffe/b.ts': "import { c } from './c.ts';\nexport const b = c;\n",
    'packages/ephemos/src/spiffe/c.ts': "import type { a } from './a.ts';\nexport type c = typeof a;\n",
  });
  expect(problems).toEqual([
    'import cycle: packages/ephemos/src/spiffe/a.ts -> packages/ephemos/src/spiffe/b.ts -> packages/ephemos/src/spiffe/c.ts -> packages/ephemos/src/spiffe/a.ts',
  ]);
});

test('a package that layers.js does not know is found', () => {
  const problems = problemsOf({
    'package.json': { workspaces: ['packages/ephemos', 'packages/extra'] },
    'packages/extra/package.json': { name: '@ephemos/extra' },
  });
  expect(problems).toContain('packages/extra: is not in layers.js');
});
