// What the built `ephemos doctor` finds in the example configurations of SPIRE (conf/ of its Go module), compared with examples.json.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../../packages/cli/dist/main.js', import.meta.url));

/** @typedef {Record<string, readonly string[]>} Findings by file, each as `id:line` */

/** @returns {Findings} */
function expected() {
  return JSON.parse(readFileSync(new URL('./examples.json', import.meta.url), 'utf8'));
}

/**
 * Asks about each file by itself: the examples are no deployment together.
 * @param {string} source of SPIRE
 * @returns {Promise<Findings>}
 */
export async function foundInExamples(source) {
  /** @type {Record<string, readonly string[]>} */
  const found = {};
  for (const folder of ['server', 'agent']) {
    for (const name of readdirSync(join(source, 'conf', folder)).sort()) {
      found[`${folder}/${name}`] = await findingsIn(join(source, 'conf', folder, name));
    }
  }
  return found;
}

/**
 * What is found and should not be, and what should be and is not.
 * @param {Findings} found
 */
export function unexpectedIn(found) {
  const wanted = expected();
  return [...new Set([...Object.keys(found), ...Object.keys(wanted)])].flatMap((file) => {
    const [has, should] = [found[file] ?? ['no such file'], wanted[file] ?? ['not in examples.json']];
    return [
      ...has.filter((each) => !should.includes(each)).map((each) => `${file}: ${each} is not expected`),
      ...should.filter((each) => !has.includes(each)).map((each) => `${file}: ${each} was not found`),
    ];
  });
}

/**
 * @param {string} file
 * @returns {Promise<readonly string[]>}
 */
function findingsIn(file) {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [main, 'doctor', file, '--format', 'json'], { maxBuffer: 16 * 2 ** 20 }, (error, stdout, stderr) => {
      // 1 is what it ends with when something failed.
      if (error !== null && error.code !== 1) return reject(new Error(`ephemos doctor ${file}: ${stderr}`));
      /** @type {{ items: { rules: { findings: { id: string, line: number | null }[] }[] }[] }} */
      const { items } = JSON.parse(stdout);
      resolve(items.flatMap(({ rules }) => rules.flatMap(({ findings }) => findings.map(({ id, line }) => `${id}:${line ?? ''}`))));
    });
  });
}
