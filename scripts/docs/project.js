// Writes the code blocks of all pages as one small project under dist/docs, a folder for each page, and type-checks and builds it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from '../lib/command.js';
import { shown } from '../lib/workspace.js';
import { folderOf } from './configs.js';

const compilerOptions = {
  target: 'es2023',
  lib: ['es2023', 'esnext.disposable'],
  module: 'nodenext',
  moduleDetection: 'force',
  types: ['node'],
  strict: true,
  rewriteRelativeImportExtensions: true,
  skipLibCheck: false,
  rootDir: '.',
  outDir: 'out',
};

/** Each ts and js block as { page, block, path, built, config }: its source, the file to run, and the configuration to run it with. */
export function writeProject(pages, folder, base) {
  const programs = pages.flatMap((page) => {
    const place = folderOf(page, folder, base);
    const name = relative(folder, place);
    const blocks = page.blocks.filter(({ language }) => language === 'ts' || language === 'js');
    return blocks.map((block) => {
      const file = block.options.file ?? `line-${block.line}.${block.language}`;
      const config = block.options.config === undefined ? undefined : join(place, block.options.config);
      return { page, block, path: join(place, file), built: join(folder, 'out', name, file.replace(/\.ts$/, '.js')), config };
    });
  });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  const configs = {
    ts: { compilerOptions, include: ['*/*.ts'] },
    js: { compilerOptions: { ...compilerOptions, allowJs: true, checkJs: true, noImplicitAny: false }, include: ['*/*.js'] },
  };
  for (const [language, config] of Object.entries(configs))
    writeFileSync(join(folder, `tsconfig.${language}.json`), JSON.stringify({ ...config, exclude: ['out'] }));
  for (const { path, block } of programs) {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, block.code);
  }
  return programs;
}

/** The compiler's complaints, each at its line of the page. */
export async function typeProblems(programs, folder, base) {
  const problems = [];
  const seen = new Set();
  for (const { path, page, block } of programs) {
    if (seen.has(path))
      problems.push(`${shown(page.path, base)}:${block.line} a block of this page is already called ${block.options.file}`);
    seen.add(path);
  }
  for (const language of ['ts', 'js']) {
    if (!programs.some(({ block }) => block.language === language)) continue;
    const args = [join(base, 'node_modules/typescript/bin/tsc'), '-p', join(folder, `tsconfig.${language}.json`), '--pretty', 'false'];
    const { code, output } = await run(process.execPath, args, { cwd: folder });
    let complaints = 0;
    for (const [, file, line, message] of output.matchAll(/^(\S.*?)\((\d+),\d+\): (.*)$/gm)) {
      complaints += 1;
      // Ours are checked as a user of ours would see them; those of a framework that a page shows are its own affair. Ours are links out of there.
      if (file.split('/').includes('node_modules')) continue;
      const program = programs.find(({ path }) => relative(folder, path) === file);
      const place = program === undefined ? file : `${shown(program.page.path, base)}:${program.block.line + Number(line)}`;
      problems.push(`${place} ${message}`);
    }
    if (code !== 0 && complaints === 0) problems.push(`tsc failed on the blocks: ${output.trim()}`);
  }
  return problems;
}
