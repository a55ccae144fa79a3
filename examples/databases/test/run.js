// `npm run test:databases`: both clients against real servers. `-- --short` leaves out comparisons and direct TLS, and loads for less time;
// `-- --install` installs what is missing with apt-get; `-- postgres redis` takes those files.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findPostgres, findRedis } from './find-servers.js';
import { findDirectPostgres } from './install-postgres.js';

const all = ['postgres', 'pool', 'pool-without', 'redis', 'examples', 'direct'];
const short = ['postgres', 'pool', 'redis', 'examples'];
const usage = 'usage: npm run test:databases [-- --short] [-- --install] [-- <part>...]';
const { values, files, problem } = readArguments();

process.exitCode = await main();

async function main() {
  if (problem !== undefined) {
    process.stderr.write(`error: ${problem}\nhint: ${usage}; parts: ${all.join(', ')}\n`);
    return 2;
  }
  if (values.install && missing().length > 0) install();
  const [first] = missing();
  if (first !== undefined) return refuse(first);
  const postgres = findPostgres()[0];
  const redis = findRedis();
  const direct = files.includes('direct') ? await findDirectPostgres() : undefined;
  for (const each of [postgres, redis, direct]) if (each !== undefined) process.stdout.write(`${each.version}: ${each.path}\n`);
  return run({ POSTGRES: postgres?.path, REDIS: redis?.path, POSTGRES_DIRECT: direct?.path });
}

/** @returns {{ values: { short: boolean, install: boolean }, files: readonly string[], problem?: string }} */
function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { short: { type: 'boolean', default: false }, install: { type: 'boolean', default: false } },
    });
    const unknown = positionals.find((name) => !all.includes(name));
    const files = positionals.length > 0 ? positionals : values.short ? short : all;
    return unknown === undefined ? { values, files } : { values, files, problem: `there is no part '${unknown}'` };
  } catch (error) {
    return { values: { short: false, install: false }, files: [], problem: error instanceof Error ? error.message : String(error) };
  }
}

/** One line for each server that is not there. */
function missing() {
  const lines = [];
  const how = 'or run this with -- --install where apt-get works';
  if (findPostgres().length === 0)
    lines.push(
      `no PostgreSQL server: apt-get install postgresql, brew install postgresql, or name its programs in POSTGRES_BIN_DIR; ${how}`,
    );
  if (findRedis() === undefined)
    lines.push(`no Redis server: apt-get install redis-server, brew install redis, or name its program in REDIS_SERVER; ${how}`);
  return lines;
}

function install() {
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', 'postgresql', 'redis-server'],
  ]) {
    spawnSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  }
}

/** @param {string} problem */
function refuse(problem) {
  process.stderr.write(`error: ${problem}\n`);
  return 1;
}

/**
 * Runs the files and looks at what was run: a test that was left out is a failure.
 * @param {Record<string, string | undefined>} servers
 * @returns {Promise<number>}
 */
async function run(servers) {
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const config = fileURLToPath(new URL('../vitest.config.ts', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'ephemos-databases-'));
  const report = join(folder, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  try {
    const child = spawn(process.execPath, [vitest, 'run', '--config', config, ...reporters, ...files.map((name) => `test/${name}.`)], {
      stdio: 'inherit',
      env: { ...process.env, ...servers, SHORT: values.short ? '1' : '' },
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    const { numPassedTests = 0, numTotalTests = 0 } = JSON.parse(readFileSync(report, 'utf8'));
    process.stdout.write(`${numPassedTests} passed, ${numTotalTests - numPassedTests} failed\n`);
    return code === 0 && numPassedTests > 0 && numPassedTests === numTotalTests ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
