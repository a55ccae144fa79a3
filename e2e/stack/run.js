// `npm run stack [-- --ha] [-- --once]`: the stack of deploy/compose as plain processes on this machine: brought up, shown, and left running until Ctrl-C.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findHaproxy, findPostgres } from '../spire/deployment/programs.js';
import { installSpire } from '../spire/install.js';
import { openRoom, SetupError } from '../spire/room.js';
import { openStack } from './open-stack.js';
import { createScreen } from './screen.js';
import { show } from './show.js';

const usage = 'usage: npm run stack [-- --ha] [-- --once]';
const screen = createScreen(process.stdout);
process.on('exit', () => screen.close());

try {
  process.exit(await main());
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}\n`);
  process.exit(1);
}

/** @returns {Promise<number>} the exit code */
async function main() {
  const options = readArguments();
  if (typeof options === 'string') {
    process.stderr.write(`error: ${options}\nhint: ${usage}\n`);
    return 2;
  }
  const { ha, once } = options;
  if (process.platform === 'win32')
    throw new SetupError('SPIRE tells callers apart by their unix socket here: run this on Linux, macOS or in WSL');
  screen.title(`Two services that prove who they are, with ${ha ? 'a highly available SPIRE' : 'SPIRE'}: no API keys, no passwords`);
  const spire = await screen.step('looking for SPIRE', async (tell) => {
    const found = await installSpire({ log: tell });
    tell(`SPIRE ${found.version}, ${found.from}`);
    return found;
  });
  const root = process.getuid?.() === 0;
  /** @type {string[]} */
  const notes = [];
  const room = { ...(await openRoom({ name: 'stack', otherUsers: root, log: (line) => void notes.push(line) })), spire };
  let failed = true;
  try {
    if (ha) await screen.step('looking for PostgreSQL and HAProxy', (tell) => lookForPrograms(room, tell));
    const stack = await openStack({ room, ha, knownPorts: !once, screen });
    await show({ stack, screen });
    summary(stack, { logs: room.folder, root, once });
    failed = false;
    if (once) return 0;
    const ended = await Promise.race([untilAsked(), ...stack.programs().map(({ name, exited }) => exited.then(() => name))]);
    if (ended !== undefined) {
      failed = true;
      throw new Error(`${ended} ended by itself`);
    }
    return 0;
  } finally {
    if (!failed)
      await screen.step('stopping', async (tell) => {
        await room.close({ failed });
        tell('everything has ended, nothing is left behind');
      });
    else {
      await room.close({ failed });
      for (const note of notes) screen.line(note);
    }
  }
}

/**
 * Says what is missing before anything runs.
 * @param {import('../spire/room.js').Room} room
 * @param {(text: string) => void} tell
 */
async function lookForPrograms(room, tell) {
  const { folder } = findPostgres({ log: tell, stage: join(room.folder, 'stage') });
  tell(`PostgreSQL in ${folder}, HAProxy is ${findHaproxy(tell).program}`);
}

/**
 * @param {import('./open-stack.js').Stack} stack
 * @param {{ logs: string, root: boolean, once: boolean }} options
 */
function summary({ parts, script, serverSocket, project }, { logs, root, once }) {
  screen.line('');
  screen.table([
    ...parts,
    ['called by', `sh ${script} "hello again"`],
    ['entries', `npx ephemos entries list --server unix://${serverSocket}`],
    ['project', `${project.folder}, as written by "ephemos deploy init --target compose"`],
    ['logs', `${logs}/logs`],
  ]);
  if (!root)
    screen.line(
      '\nWithout root all of it runs as you, and the agent tells programs apart by their paths. Run it as root for a Unix user each.',
    );
  if (!once) screen.line('\nIt stays up until Ctrl-C.');
}

/** @returns {Promise<undefined>} */
function untilAsked() {
  return new Promise((resolve) => {
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
      // Until now they ended everything at once, which is right while it comes up.
      process.removeAllListeners(signal);
      process.on(signal, () => resolve(undefined));
    }
  });
}

/** @returns {{ ha: boolean, once: boolean } | string} */
function readArguments() {
  try {
    const { values } = parseArgs({ options: { ha: { type: 'boolean', default: false }, once: { type: 'boolean', default: false } } });
    return values;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
