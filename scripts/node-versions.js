// Which Node.js versions the tests run on, and where to get them: the npm package `node`, kept in a cache outside the checkout.
// `node scripts/node-versions.js 24` prints the folder to put first in PATH.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { npmCommand, run } from './lib/command.js';
import { withLock } from './lib/lock.js';
import { head, isMain } from './lib/output.js';
import { cacheFolder } from './lib/programs.js';

/** The major versions besides the oldest one, which is whatever runs the scripts in CI. */
export const nodeVersions = Object.freeze(['22', '24', '26']);

/** True when `path` is a node of this major version that starts here. */
function works(path, major) {
  try {
    return existsSync(path) && execFileSync(path, ['--version'], { encoding: 'utf8' }).startsWith(`v${major}.`);
  } catch {
    return false;
  }
}

/**
 * The absolute path of a node binary of the major version `major`; installs it when the cache does not have it.
 * @param {string} major
 * @returns {Promise<string>}
 */
export async function nodeBinary(major) {
  const folder = join(cacheFolder(), `node-${major}-${process.platform}-${process.arch}`);
  const binary = join(folder, 'node_modules/node/bin/node');
  if (works(binary, major)) return binary;
  await withLock(`${folder}.lock`, async () => {
    if (works(binary, major)) return;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    const [file, ...args] = npmCommand();
    // The package's install script is what brings the binary; the settings of the npm that started us must not reach it.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^npm_(?!config_(registry|cafile|cache|userconfig|globalconfig))/i.test(name)),
    );
    const { code, output } = await run(file, [...args, 'install', '--ignore-scripts=false', '--no-audit', '--no-fund', `node@${major}`], {
      cwd: folder,
      env,
    });
    if (code !== 0 || !works(binary, major)) throw new Error(`node@${major} could not be installed with npm (${code})\n${head(output)}`);
  });
  return binary;
}

if (isMain(import.meta.url)) {
  const major = process.argv[2];
  if (!/^\d+$/.test(major ?? '')) {
    process.stderr.write(`usage: node scripts/node-versions.js MAJOR (one of ${nodeVersions.join(', ')})\n`);
    process.exitCode = 2;
  } else {
    process.stdout.write(`${dirname(await nodeBinary(major))}\n`);
  }
}
