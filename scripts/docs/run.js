// Runs the code blocks of a page in their order, each in a process of its own with an identity from a development agent.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { run } from '../lib/command.js';
import { head } from '../lib/output.js';
import { shown } from '../lib/workspace.js';
import { folderOf } from './configs.js';
import { readCommands } from './shell.js';

const limitMs = 30_000;
const loopback = fileURLToPath(new URL('./loopback.js', import.meta.url));

/** Hands out Workload API endpoints of development agents, one agent for each trust domain that the pages name. */
export async function openIdentities(base) {
  const path = join(base, 'packages/dev/dist/index.js');
  if (!existsSync(path)) return { endpointFor: async () => undefined, close: async () => {} };
  const { openDevAgent } = await import(pathToFileURL(path).href);
  const agents = new Map();
  return {
    async endpointFor(id) {
      const trustDomain = new URL(id).host;
      if (!agents.has(trustDomain)) agents.set(trustDomain, await openDevAgent({ trustDomain }));
      return agents.get(trustDomain).endpointFor(id);
    },
    async close() {
      for (const agent of agents.values()) await agent.close();
    },
  };
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Starts a block; `exited` resolves with its exit code (or signal). */
function start({ built, config }, endpoint) {
  const { SPIFFE_ENDPOINT_SOCKET: _socket, EPHEMOS_CONFIG_PATH: _path, ...env } = process.env;
  if (config !== undefined) env.EPHEMOS_CONFIG_PATH = config;
  if (endpoint !== undefined) env.SPIFFE_ENDPOINT_SOCKET = endpoint;
  const child = spawn(process.execPath, ['--import', loopback, built], { cwd: dirname(built), env, stdio: ['ignore', 'pipe', 'pipe'] });
  const running = { child, stdout: '', output: '' };
  child.stdout.on('data', (chunk) => {
    running.stdout += chunk;
    running.output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    running.output += chunk;
  });
  running.exited = once(child, 'close').then(([code, signal]) => code ?? signal);
  return running;
}

/** Waits for `exited`, at most `ms`, then kills; resolves with the exit code or 'timeout'. */
async function settle({ child, exited }, ms) {
  const timer = new AbortController();
  const code = await Promise.race([exited, delay(ms, 'timeout', { signal: timer.signal }).catch(() => 'timeout')]);
  timer.abort();
  if (code === 'timeout') child.kill('SIGKILL');
  return code;
}

/** Starts a server block and waits for its port. */
async function serve(running, port) {
  const end = Date.now() + limitMs;
  let code;
  void running.exited.then((value) => {
    code = value;
  });
  while (!(await answers(port))) {
    if (code !== undefined) return `the server ended (${code}) before port ${port} answered\n${head(running.output)}`;
    if (Date.now() > end) return `port ${port} does not answer after ${limitMs / 1000} s\n${head(running.output)}`;
    await delay(50);
  }
  return undefined;
}

/** Stops a server block; it must still be running, and SIGTERM must end it. */
async function stop(running) {
  if (running.child.exitCode !== null) return `the server ended by itself (${running.child.exitCode})\n${head(running.output)}`;
  running.child.kill('SIGTERM');
  // A service waits for its load balancers first.
  return (await settle(running, 20_000)) === 'timeout' ? 'SIGTERM does not end the server' : undefined;
}

/** Runs the `ephemos` commands of a shell block where the files of the page are; { stdout, problem }. */
async function runCommands(block, cwd, base) {
  const wanted = Number(block.options.run === true ? 0 : block.options.run);
  const main = join(base, 'packages/cli/dist/main.js');
  const { SPIFFE_ENDPOINT_SOCKET: _socket, EPHEMOS_CONFIG_PATH: _path, ...env } = process.env;
  let stdout = '';
  let end = { code: 0, output: '' };
  mkdirSync(cwd, { recursive: true });
  for (const [command, ...args] of readCommands(block)) {
    if (command !== 'ephemos') return { stdout, problem: `only ephemos commands are run, and this is ${command}` };
    end = await run(process.execPath, [main, ...args], { cwd, env, timeoutMs: limitMs });
    stdout += end.stdout;
  }
  return { stdout, problem: end.code === wanted ? undefined : `ends with ${end.code}\n${head(end.output)}` };
}

/** The problems of running the blocks of one page. */
export async function runPage(page, programs, identities, { base, folder }) {
  const problems = [];
  const servers = [];
  let last;
  const say = (block, problem) => problem !== undefined && problems.push(`${shown(page.path, base)}:${block.line} ${problem}`);
  for (const block of page.blocks) {
    if (block.options.output && block.code.trim() !== last?.stdout.trim())
      say(block, `the block before it printed:\n${last?.stdout.trim() ?? 'nothing'}`);
    if (block.options.run !== undefined) {
      last = await runCommands(block, folderOf(page, folder, base), base);
      say(block, last.problem);
    }
    const program = programs.find((each) => each.block === block);
    if (program === undefined || block.options['no-run']) continue;
    const { as = 'spiffe://example.org/web', serve: port } = block.options;
    const earlier = servers.findIndex((server) => server.port === port);
    if (port !== undefined && earlier >= 0) for (const server of servers.splice(earlier, 1)) say(server.block, await stop(server.running));
    if (port !== undefined && (await answers(Number(port)))) {
      say(block, `port ${port} is in use by something else on this machine`);
      continue;
    }
    const running = start(program, as === 'none' ? undefined : await identities.endpointFor(as));
    last = running;
    if (port !== undefined) {
      const problem = await serve(running, Number(port));
      say(block, problem);
      if (problem === undefined) servers.push({ block, running, port });
      else running.child.kill('SIGKILL');
      continue;
    }
    const code = await settle(running, limitMs);
    if (code === 'timeout') say(block, `does not end within ${limitMs / 1000} s (a server? say serve=PORT)\n${head(running.output)}`);
    else if (code !== 0) say(block, `ends with ${code}\n${head(running.output)}`);
  }
  for (const { block, running } of servers) say(block, await stop(running));
  return problems;
}
