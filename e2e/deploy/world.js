// What the cases of the deployments stand on: a folder of their own, and the command as it is built, in a process of its own with nothing of ours around it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { checkout } from '../spire/room.js';

/** @typedef {{ code: number | null, stdout: string, stderr: string }} Finished */

/**
 * @typedef {object} World
 * @property {import('../spire/room.js').Room} room
 * @property {boolean} short
 * @property {(name: string) => string} folder makes one, empty
 * @property {(args: readonly string[], options: { cwd: string, input?: string }) => Promise<Finished>} ephemos runs the built command
 * @property {(name: string, why: string) => string} leaveOut what a case says that cannot run here; in CI it fails instead
 */

/** @typedef {import('../spire/run-cases.js').Case & { run: (world: World) => Promise<string> }} DeployCase */

const main = join(checkout, 'packages/cli/dist/main.js');

/**
 * @param {import('../spire/room.js').Room} room
 * @param {{ short: boolean }} options
 * @returns {World}
 */
export function createWorld(room, { short }) {
  /** @type {Set<import('node:child_process').ChildProcess>} */
  const running = new Set();
  room.onClose(async () => {
    for (const child of running) child.kill('SIGKILL');
  });
  return {
    room,
    short,
    folder: (name) => {
      const path = join(room.folder, name);
      mkdirSync(path, { recursive: true, mode: 0o755 });
      return path;
    },
    ephemos: async (args, { cwd, input = '' }) => {
      const { PATH = '', HOME = '' } = process.env;
      const child = spawn(process.execPath, [main, ...args], { cwd, env: { PATH, HOME, NO_COLOR: '1' }, stdio: 'pipe' });
      running.add(child);
      let [stdout, stderr] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text) => {
        stdout += text;
      });
      child.stderr.setEncoding('utf8').on('data', (text) => {
        stderr += text;
      });
      // One that ends before it has read everything says why.
      child.stdin.on('error', () => {}).end(input);
      const [code] = await once(child, 'close');
      running.delete(child);
      return { code, stdout, stderr };
    },
    leaveOut: (name, why) => {
      if ((process.env['CI'] ?? '') !== '') throw new Error(`${name}: ${why}, and in CI nothing is left out`);
      return `${name} left out: ${why}`;
    },
  };
}

/**
 * Every file below a folder, by its name with "/" between.
 * @param {string} folder
 * @returns {ReadonlyMap<string, string>}
 */
export function filesIn(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const names = entries.map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
  return new Map(names.sort().map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

/**
 * @param {Finished} finished
 * @param {number} stated
 * @param {string} what
 */
export function mustEnd({ code, stdout, stderr }, stated, what) {
  if (code === stated) return;
  const failed = stdout.split('\n').filter((line) => /^\s+(FAIL|warn)\s/.test(line));
  throw new Error(`${what}: ended with ${code}, not ${stated}\n${[...failed, stderr.trim()].join('\n').trim() || stdout.slice(0, 2000)}`);
}

/**
 * @typedef {object} Finding
 * @property {string} id
 * @property {string} what
 * @property {string | null} file
 * @property {number | null} line
 */

/**
 * The findings of a report in JSON.
 * @param {string} text
 * @returns {readonly Finding[]}
 */
export function findingsIn(text) {
  /** @type {{ items: { rules: { findings: Finding[] }[] }[] }} */
  const { items } = JSON.parse(text);
  return items.flatMap(({ rules }) => rules.flatMap(({ findings }) => findings));
}

/** @param {readonly Finding[]} findings */
export const told = (findings) => findings.map(({ id, file, line, what }) => `${file ?? ''}:${line ?? ''} ${id}: ${what}`).join('\n');
