// Checks every fenced block of README.md and the other root pages, docs/**/*.md, and the README of each package and example.
//
// A fence names its language; `text` is for what is not checked. Words after the language:
//   ```ts                        type-checked as a file of a user's project (strict, nodenext, the built packages), then run to its end
//   ```ts no-run                 type-checked only
//   ```ts file=server.ts         has this name, so that other blocks of the same page can import './server.ts'
//   ```ts serve=8443             a server: started, waited for until the port answers, stopped when the page is through
//   ```ts config=config.yaml     runs with EPHEMOS_CONFIG_PATH set to the yaml block of the page with this name
//   ```ts as=spiffe://x.org/y    runs with this identity (default spiffe://example.org/web); as=none runs without a Workload API
//   ```text output               is exactly what the block before it printed on standard output
//   ```js                        like ts, and implicit any is allowed
//   ```sh                        npm scripts, `node FILE` and `ephemos` commands with their flags must exist; nothing is run
//   ```sh run                    its `ephemos` commands are run where the yaml blocks of the page are; run=4 says how the last one ends
//   ```console                   the same for the lines that start with `$ `
//   ```json, ```yaml             parse
//   ```yaml config               is a configuration that a service would take
//   ```yaml policy               is a file of rules that it would take
//   ```yaml config file=a.yaml   has this name, so that other blocks of the same page can name it
// A run gets SPIFFE_ENDPOINT_SOCKET of an @ephemos/dev agent and 30 s, and every host name leads to 127.0.0.1.
// Relative links must lead to a file.
import { existsSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { readBlocks } from './docs/blocks.js';
import { commandProblems } from './docs/commands.js';
import { configProblems } from './docs/configs.js';
import { typeProblems, writeProject } from './docs/project.js';
import { openIdentities, runPage } from './docs/run.js';
import { isMain, reportProblems } from './lib/output.js';
import { filesUnder, root, shown, workspacePackages } from './lib/workspace.js';

const languages = new Set([
  'ts',
  'js',
  'sh',
  'console',
  'json',
  'yaml',
  'text',
  'proto',
  'go',
  'toml',
  'hcl',
  'dockerfile',
  'diff',
  'mermaid',
  'ini',
]);
const words = {
  ts: ['no-run', 'file', 'serve', 'as', 'config'],
  js: ['no-run', 'file', 'serve', 'as', 'config'],
  sh: ['run'],
  text: ['output'],
  yaml: ['file', 'config', 'policy'],
  json: ['file'],
};

function pages(base) {
  const isPage = (name) => name.endsWith('.md');
  const readmes = workspacePackages(base).map(({ dir }) => join(dir, 'README.md'));
  const atRoot = filesUnder(base, isPage).filter((path) => dirname(path) === base);
  return [...atRoot, ...filesUnder(join(base, 'docs'), isPage), ...readmes.filter((path) => existsSync(path))];
}

function parseProblem({ language, code }) {
  try {
    if (language === 'json') JSON.parse(code);
    if (language === 'yaml') for (const document of parseAllDocuments(code)) if (document.errors.length > 0) throw document.errors[0];
    return undefined;
  } catch (error) {
    return `does not parse: ${error.message.split('\n')[0]}`;
  }
}

function* blockProblems(block, context) {
  const { language, options } = block;
  if (language === '') yield 'the fence names no language (use text for what is not checked)';
  else if (!languages.has(language)) yield `the language ${language} is not one that is checked or known not to be`;
  for (const word of Object.keys(options)) if (!(words[language] ?? []).includes(word)) yield `a ${language} fence knows no '${word}'`;
  const problem = parseProblem(block);
  if (problem !== undefined) yield problem;
  if (language === 'sh' || language === 'console') yield* commandProblems(block, context);
}

function* linkProblems({ path, links }) {
  for (const { target, line } of links) {
    if (/^[a-z]+:|^#/.test(target)) continue;
    if (!existsSync(resolve(dirname(path), decodeURI(target.split('#')[0])))) yield [line, `the link ${target} leads to no file`];
  }
}

/** Every problem in the pages of the checkout `base`, as lines 'file:line problem'. */
export async function checkDocs(base = root) {
  const problems = [];
  const read = pages(base).map((path) => readBlocks(path));
  if (!existsSync(join(base, 'README.md'))) problems.push('README.md does not exist');
  for (const page of read) {
    const say = (line, problem) => problems.push(`${shown(page.path, base)}:${line} ${problem}`);
    for (const [line, problem] of linkProblems(page)) say(line, problem);
    for (const block of page.blocks) for (const problem of blockProblems(block, { base, page })) say(block.line, problem);
  }
  const folder = join(base, 'dist/docs');
  rmSync(folder, { recursive: true, force: true });
  const programs = writeProject(read, folder, base);
  for (const page of read) problems.push(...(await configProblems(page, folder, base)));
  problems.push(...(await typeProblems(programs, folder, base)));
  const runs = read.some(({ blocks }) => blocks.some(({ options }) => options.run !== undefined));
  if (problems.length === 0 && (runs || programs.some(({ block }) => !block.options['no-run']))) {
    const identities = await openIdentities(base);
    for (const page of read) problems.push(...(await runPage(page, programs, identities, { base, folder })));
    await identities.close();
  }
  return { problems, count: read.reduce((sum, { blocks }) => sum + blocks.length, 0), pages: read.length };
}

if (isMain(import.meta.url)) {
  const { problems, count, pages: read } = await checkDocs(process.argv[2] === undefined ? root : resolve(process.argv[2]));
  reportProblems('docs', problems, `${count} blocks on ${read} pages`);
}
