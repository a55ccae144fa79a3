import { expect, test } from 'vitest';
import { checkDocs } from '../check-docs.js';
import { parseHelp } from '../docs/commands.js';
import { readCommands } from '../docs/shell.js';
import { linkPackages, plant } from './plant.js';

const help = {
  '': 'Usage: ephemos [options] [command]\n\nOptions:\n  -V, --version  say the version\n  -h, --help  help\n\nCommands:\n  dev [options] [command]  run the agent\n  whoami [options]  say who\n',
  dev: 'Usage: ephemos dev [options] [command]\n\nOptions:\n  --trust-domain <name>  the name\n  -h, --help  help\n\nCommands:\n  exec [options] <command...>  run\n',
  'dev exec': 'Usage: ephemos dev exec [options] <command...>\n\nOptions:\n  --as <id>  the ID\n  -h, --help  help\n',
  whoami: 'Usage: ephemos whoami [options]\n\nOptions:\n  -f, --format <text|json>  how\n  -h, --help  help\n',
};
const tree = {
  'package.json': { workspaces: ['packages/cli', 'packages/dev'], scripts: { demo: 'x', test: 'x' } },
  'packages/cli/package.json': { name: '@ephemos/cli' },
  'packages/cli/dist/main.js': `const help = ${JSON.stringify(help)};\nconst path = process.argv.slice(2, -1).join(' ');\nif (!(path in help)) process.exit(1);\nconsole.log(help[path]);\n`,
  'packages/dev/package.json': { name: '@ephemos/dev', type: 'module' },
  'packages/dev/dist/index.js':
    "export const openDevAgent = async ({ trustDomain }) => ({ endpointFor: async (id) => 'unix:/' + trustDomain + '/' + id.slice(-3), close: async () => {} });\n",
};
const service = {
  'packages/service/package.json': { name: '@ephemos/service', type: 'module' },
  // Takes whatever does not say "wrong", and says where it does.
  'packages/service/dist/index.js': `import { readFileSync } from 'node:fs';
const read = (path, key) => {
  const line = readFileSync(path, 'utf8').split('\\n').findIndex((each) => each.includes('wrong')) + 1;
  if (line > 0) throw Object.assign(new Error('wrong'), { problems: [{ file: path, line, key, message: 'this is wrong' }] });
};
export const checkRules = () => [];
export const loadConfig = ({ path }) => read(path, 'service.name');
export const locatePolicyFile = (path) => read(path, '');
`,
};
const fence = '```';

async function problemsOf(markdown, files = {}) {
  const base = plant({ ...tree, 'README.md': markdown, ...files });
  linkPackages(base, 'typescript', '@types/node', 'undici-types');
  const { problems } = await checkDocs(base);
  return problems;
}

test('a page in order has no problems', async () => {
  const problems = await problemsOf(
    `# Page
See [the other](docs/other.md) and [the net](https://example.org).
${fence}ts file=answer.ts
export const answer: number = 42;
console.log(process.env['SPIFFE_ENDPOINT_SOCKET']);
${fence}
${fence}text output
unix:/example.org/web
${fence}
${fence}ts as=spiffe://acme.test/ops
import { answer } from './answer.ts';
console.log(answer, process.env['SPIFFE_ENDPOINT_SOCKET']);
${fence}
${fence}text output
unix:/acme.test/ops
42 unix:/acme.test/ops
${fence}
${fence}ts serve=18943
import { createServer } from 'node:http';
createServer((_req, res) => { res.end('hello'); }).listen(18943);
${fence}
${fence}js
const response = await fetch('http://orders:18943');
if ((await response.text()) !== 'hello') throw new Error('no');
${fence}
${fence}ts no-run
throw new Error('not run');
${fence}
${fence}sh
npm run demo && npm test    # both
A=b npx ephemos dev --trust-domain x.org
ephemos dev exec --as spiffe://x.org/web -- ephemos whoami \\
  --format=json | jq .
cat <<EOF > file
ephemos nonsense
EOF
${fence}
${fence}json
{ "a": 1 }
${fence}
${fence}yaml
a: 1
${fence}
`,
    { 'docs/other.md': 'nothing\n' },
  );
  expect(problems).toEqual([]);
});

const breaches = [
  [
    'a type error, at its line',
    'ts',
    'const a = 1;\nconst b: string = a;\nconsole.log(b);',
    "README.md:3 error TS2322: Type 'number' is not assignable to type 'string'.",
  ],
  ['a type error in js', 'js', "Math.max('a');", 'README.md:2 error TS2345'],
  ['an import of nothing', 'ts', "import { x } from 'ephemos/nonsense';\nconsole.log(x);", 'README.md:2 error TS2307'],
  ['a block that throws', 'ts', "throw new Error('broken');", 'README.md:1 ends with 1'],
  ['a block that exits non-zero', 'js', 'process.exitCode = 3;', 'README.md:1 ends with 3'],
  ['a server that ends', 'ts serve=18944', 'console.log(1);', 'README.md:1 the server ended (0) before port 18944 answered'],
  ['an unknown script', 'sh', 'npm run nonsense', "README.md:1 package.json has no script 'nonsense'"],
  ['an unknown subcommand', 'sh', 'ephemos nonsense', 'README.md:1 ephemos knows no nonsense'],
  ['a file of deploy/ that is not there', 'sh', 'promtool check rules deploy/x.yml', 'README.md:1 there is no deploy/x.yml'],
  ['an unknown flag', 'sh', 'npx ephemos whoami --loud', 'README.md:1 ephemos whoami knows no --loud'],
  [
    'an unknown flag of a nested command',
    'console',
    '$ ephemos dev exec --for x -- true\noutput',
    'README.md:1 ephemos dev exec knows no --for',
  ],
  ['an unknown command after --', 'sh', 'ephemos dev exec --as x -- ephemos whoareyou', 'README.md:1 ephemos knows no whoareyou'],
  ['a file that is not there', 'sh', 'node bench/nonsense.js', 'README.md:1 there is no bench/nonsense.js'],
  ['bad json', 'json', '{ a: 1 }', 'README.md:1 does not parse'],
  ['bad yaml', 'yaml', 'a: [1', 'README.md:1 does not parse'],
  ['a fence without a language', '', 'x', 'README.md:1 the fence names no language'],
  ['an unknown language', 'perl', 'x', 'README.md:1 the language perl'],
  ['an unknown word', 'ts norun', 'export {};', "README.md:1 a ts fence knows no 'norun'"],
];

test.each(breaches)('%s is found', async (_, info, code, problem) => {
  const problems = await problemsOf(`${fence}${info}\n${code}\n${fence}\n`);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(problem);
});

test('a configuration and a policy are read as a service would, and found by the programs that name them', async () => {
  const markdown = [
    `${fence}yaml config file=config.yaml\nservice:\n  name: web\n${fence}\n`,
    `${fence}yaml policy file=policy.yaml\nrules: []\n${fence}\n`,
    `${fence}ts config=config.yaml\nimport { readFileSync } from 'node:fs';\n`,
    `console.log(readFileSync(process.env['EPHEMOS_CONFIG_PATH'] ?? '', 'utf8').trim());\n${fence}\n`,
    `${fence}text output\nservice:\n  name: web\n${fence}\n`,
  ];
  expect(await problemsOf(markdown.join(''), service)).toEqual([]);
});

test.each([
  ['config', 'README.md:4 service.name: this is wrong'],
  ['policy', 'README.md:4 this is wrong'],
])('a %s that a service would refuse is found, at its line', async (word, problem) => {
  expect(await problemsOf(`text\n${fence}yaml ${word}\na: 1\nb: wrong\n${fence}\n`, service)).toEqual([problem]);
});

const echo = 'const [, , first, second] = process.argv;\nconsole.log(first, second);\nprocess.exitCode = Number(first);\n';

test.each([
  ['its output', 'run', 'ephemos 0 a\nephemos 0 "b c"', '0 a\n0 b c', []],
  ['another output', 'run', 'ephemos 0 a', '0 b', ['README.md:4 the block before it printed:\n0 a']],
  ['the exit code it says', 'run=4', 'ephemos 4 a', '4 a', []],
  ['another exit code', 'run', 'ephemos 3 a', '3 a', ['README.md:1 ends with 3\n3 a']],
  ['something else than ephemos', 'run', 'npx x', '', ['README.md:1 only ephemos commands are run, and this is npx']],
])('a shell block that is run has %s', async (_, word, code, output, problems) => {
  const cli = { 'packages/cli/dist/main.js': `if (process.argv.at(-1) === '--help') console.log('Usage: x <a>');\nelse {${echo}}\n` };
  expect(await problemsOf(`${fence}sh ${word}\n${code}\n${fence}\n${fence}text output\n${output}\n${fence}\n`, cli)).toEqual(problems);
});

test('a configuration is not passed over when the service is not built', async () => {
  expect(await problemsOf(`${fence}yaml config\na: 1\n${fence}\n`)).toEqual(['README.md:1 @ephemos/service is not built']);
});

test('other output than the page says is found', async () => {
  const problems = await problemsOf(`${fence}ts\nconsole.log('one');\n${fence}\n${fence}text output\ntwo\n${fence}\n`);
  expect(problems).toEqual(['README.md:4 the block before it printed:\none']);
});

test('a link that leads nowhere is found', async () => {
  expect(await problemsOf('a\n[there](docs/nowhere.md#x)\n')).toEqual(['README.md:2 the link docs/nowhere.md#x leads to no file']);
});

test('a name that two blocks share is found', async () => {
  const block = `${fence}ts file=a.ts no-run\nexport {};\n${fence}\n`;
  expect(await problemsOf(`${block}${block}`)).toEqual(['README.md:4 a block of this page is already called a.ts']);
});

test('shell blocks are read as commands', () => {
  const code = 'A=1 B=2 one \'two three\' "four" # five\nsix | seven\\\n  eight && nine 2>&1\n# ten\n';
  expect(readCommands({ language: 'sh', code })).toEqual([['one', 'two three', 'four'], ['six'], ['seven', 'eight'], ['nine', '2>&1']]);
});

test('help is read as commander writes it', () => {
  const { commands, options, positional } = parseHelp(help.whoami);
  expect([...commands]).toEqual([]);
  expect([...options]).toEqual([
    ['-f', true],
    ['--format', true],
    ['-h', false],
    ['--help', false],
  ]);
  expect(positional).toBe(false);
});
