// Reads the yaml blocks of a page that are configurations or policies, as a service would.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { shown } from '../lib/workspace.js';

/** Where the files of a page are, below dist/docs. */
export function folderOf(page, folder, base) {
  return join(folder, shown(page.path, base).replace(/\.md$/, '').replaceAll('/', '-').toLowerCase());
}

/** The problems of the `yaml config` and `yaml policy` blocks of a page, each at its line of the page; they are written where its programs find them. */
export async function configProblems(page, folder, base) {
  const blocks = page.blocks.filter(({ language, options }) => language === 'yaml' && (options.file || options.config || options.policy));
  const written = blocks.map((block) => {
    const path = join(folderOf(page, folder, base), block.options.file ?? `line-${block.line}.yaml`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, block.code);
    return { block, path };
  });
  const read = written.filter(({ block: { options } }) => options.config || options.policy);
  if (read.length === 0) return [];
  const built = join(base, 'packages/service/dist/index.js');
  if (!existsSync(built)) return [`${shown(page.path, base)}:${read[0].block.line} @ephemos/service is not built`];
  const { checkRules, loadConfig, locatePolicyFile } = await import(pathToFileURL(built).href);
  return read.flatMap(({ block, path }) => {
    try {
      if (block.options.config) loadConfig({ path, env: {}, checkPolicy: checkRules });
      else locatePolicyFile(path);
      return [];
    } catch (error) {
      if (error.problems === undefined) throw error;
      return error.problems.map(({ file, line = 0, key, message }) => {
        const at = written.find((each) => each.path === file)?.block ?? block;
        return `${shown(page.path, base)}:${at.line + line} ${key === '' ? '' : `${key}: `}${message}`;
      });
    }
  });
}
