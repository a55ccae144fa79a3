// The units, started for real: a machine in namespaces, with a systemd of its own as process 1, on which an operator does what the README says.
import { strict as assert } from 'node:assert';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkout } from '../../spire/room.js';
import { findProgram, findSystemd } from './programs.js';
import { domain, sample, writeTarget } from './project.js';

/** @typedef {import('../../spire/room.js').SpireRoom} SpireRoom */

const within = 120_000;
const here = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url));
const groups = '/sys/fs/cgroup';
const nothing = '0000000000000000';

/** @param {SpireRoom} room */
export async function bootUnits(room) {
  const systemd = findSystemd();
  const folder = join(room.folder, 'boot');
  const [machine, out] = [join(folder, 'machine'), join(folder, 'out')];
  for (const each of [machine, out]) mkdirSync(each, { recursive: true });
  const project = writeTarget(sample, join(folder, 'target'));
  await bringKeys(room, folder, project.folder);
  copyFileSync(project.path('entries.yaml'), join(out, 'entries.yaml'));
  copyFileSync(here('./steps.sh'), join(out, 'steps.sh'));
  addUnits(project.folder);
  const own = makeGroups(`ephemos-boot-${process.pid}`);
  const words = ['--mount', '--pid', '--net', '--uts', '--ipc', '--cgroup', '--fork', '--kill-child=SIGKILL', '--propagation', 'private'];
  const inner = [
    machine,
    project.folder,
    dirname(room.spire.server),
    room.reach.node,
    dirname(dirname(dirname(room.reach.file(join(checkout, 'packages/cli/dist'))))),
  ];
  // Its own control groups are those of the shell, from which it goes on.
  const join_ = own.map((group) => `echo $$ > ${group}/cgroup.procs`).join('; ');
  const program = room.programs.start('machine', 'sh', [
    '-c',
    `${join_}; exec "$@"`,
    'sh',
    findProgram('unshare'),
    ...words,
    'sh',
    here('./boot.sh'),
    ...inner,
    out,
    systemd,
  ]);
  try {
    const said = await untilEnd(program, join(out, 'steps.log'));
    /** @param {string} what */
    const told = (what) => said.find((line) => line.startsWith(`= ${what} `))?.slice(what.length + 3);
    assert.equal(told('identity'), `spiffe://${domain}/echo`);
    for (const unit of ['spire-server', 'spire-agent', 'echo']) {
      assert.equal(told(`${unit} user`), unit);
      assert.equal(told(`${unit} capabilities`), `${nothing} ${nothing}`);
      assert.equal(told(`${unit} privileges`), '1 2', `${unit} may get new privileges, or has no filter of system calls`);
      assert.equal(told(`${unit} writes`), 'no');
    }
    assert.equal(told('memory'), String(256 * 1024 * 1024));
    assert.equal(told('stranger'), 'unknown', 'root got an identity');
    assert.equal(told('killed'), 'comes back');
    assert.equal(told('stopped'), 'success 0');
    assert.equal(told('invalid'), '3 0', 'it was started again with a configuration that is not valid');
    assert.match(
      told('writes-no-code') ?? '',
      /signal|core-dump|exit-code/,
      'Node.js runs with MemoryDenyWriteExecute=yes: the units say otherwise',
    );
    return 'server, agent and service are who their units say, without a capability, with a filter of system calls, and write nowhere else; killed: back; SIGTERM: 0; not valid: not started again; Node.js with MemoryDenyWriteExecute=yes does not start';
  } catch (error) {
    const logs = readdirSync(out).filter((name) => name.endsWith('.log'));
    const tails = logs.map((name) => `${name}: ${readFileSync(join(out, name), 'utf8').trim().split('\n').slice(-2).join('\n  ')}`);
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${tails.join('\n')}`);
  } finally {
    await program.stop({ signal: 'SIGKILL' });
    for (const group of own) await removeGroup(group);
  }
}

/**
 * What the README says about keys, with the built command.
 * @param {SpireRoom} room @param {string} folder @param {string} target
 */
async function bringKeys(room, folder, target) {
  const ephemos = async (/** @type {readonly string[]} */ words) => {
    const { code, stderr } = await room.programs.run('ephemos', process.execPath, [join(checkout, 'packages/cli/dist/main.js'), ...words]);
    assert.equal(code, 0, stderr);
  };
  const [vault, upstream, node] = ['vault', 'upstream', 'node'].map((name) => join(folder, name));
  if (vault === undefined || upstream === undefined || node === undefined) throw new TypeError('there are three');
  await ephemos(['deploy', 'ca', 'init', '--domain', domain, '--offline', vault, '--out', upstream]);
  await ephemos(['deploy', 'ca', 'machine', 'machine-1', '--offline', vault, '--out', node]);
  const etc = join(target, 'etc/spire');
  for (const [from, to] of /** @type {const} */ ([
    [join(upstream, 'tls.crt'), 'upstream/tls.crt'],
    [join(upstream, 'tls.key'), 'upstream/tls.key'],
    [join(upstream, 'ca.crt'), 'upstream/ca.crt'],
    [join(upstream, 'ca.crt'), 'bootstrap.pem'],
    [join(node, 'node.crt'), 'node/node.crt'],
    [join(node, 'node.key'), 'node/node.key'],
    [join(node, 'nodes.crt'), 'nodes/ca.crt'],
  ])) {
    mkdirSync(dirname(join(etc, to)), { recursive: true });
    copyFileSync(from, join(etc, to));
  }
}

/**
 * Units of the test beside those of the target: the operator, a slip, and where all of them log.
 * @param {string} target
 */
function addUnits(target) {
  const units = join(target, 'etc/systemd/system');
  const write = (/** @type {string} */ name, /** @type {readonly string[]} */ lines) => {
    mkdirSync(dirname(join(units, name)), { recursive: true });
    writeFileSync(join(units, name), `${lines.join('\n')}\n`);
  };
  const log = (/** @type {string} */ name) => [`StandardOutput=append:/opt/out/${name}.log`, `StandardError=append:/opt/out/${name}.log`];
  const service = readFileSync(join(units, 'echo.service'), 'utf8');
  write('writes-no-code.service', [
    service.replace('MemoryDenyWriteExecute=no', 'MemoryDenyWriteExecute=yes').replace('Restart=on-failure', 'Restart=no'),
  ]);
  for (const unit of ['spire-server', 'spire-agent', 'echo', 'writes-no-code'])
    write(`${unit}.service.d/log.conf`, ['[Service]', ...log(unit)]);
  write('steps.service', ['[Service]', 'Type=oneshot', 'ExecStart=/bin/sh /opt/out/steps.sh', ...log('steps')]);
  const wanted = 'systemd-tmpfiles-setup.service spire-server.service spire-agent.service echo.service steps.service';
  write('ephemos.target', ['[Unit]', `Wants=${wanted}`, 'After=systemd-tmpfiles-setup.service']);
}

/**
 * @param {import('../../spire/process.js').Program} program
 * @param {string} file
 */
async function untilEnd(program, file) {
  const deadline = performance.now() + within;
  for (;;) {
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
    if (lines.includes('= end')) return lines;
    if (!program.running()) throw new Error(`the machine ended: ${program.stderr().trim().split('\n').slice(-3).join('; ')}`);
    if (performance.now() > deadline)
      throw new Error(`the machine was not done within ${within / 1000} s; last: ${lines.findLast((line) => line !== '') ?? 'nothing'}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/**
 * Control groups that are the root of those of the machine: of version 1 or 2, as there are here.
 * @param {string} name
 */
function makeGroups(name) {
  const v1 = existsSync(join(groups, 'systemd'));
  const paths = (v1 ? ['systemd', 'memory', 'pids'] : ['.']).map((controller) => join(groups, controller, name));
  for (const path of paths) mkdirSync(path);
  return paths;
}

/** @param {string} path */
async function removeGroup(path) {
  const below = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name } of below) await removeGroup(join(path, name));
  for (let turn = 0; ; turn++) {
    try {
      return rmdirSync(path);
    } catch (error) {
      // Its processes are about to go.
      if (turn === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
