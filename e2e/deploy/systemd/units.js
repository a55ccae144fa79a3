// The units as systemd reads them: whether it takes every line, and how much of the machine each could reach.
import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { findProgram } from './programs.js';
import { everything, makeRoot, sample, writeTarget } from './project.js';

/** @typedef {import('../../spire/room.js').Room} Room */

/** @param {string} service */
const unitsOf = (service) => ['spire-server.service', 'spire-agent.service', `${service}.service`];
const systemdOfReadme = 252;

/**
 * @param {Room} room
 * @param {readonly string[]} words
 */
async function analyze(room, words) {
  // It has no standard output of its own to be coloured, and no PID 1 to ask.
  const { code, stdout, stderr } = await room.programs.run('systemd-analyze', findProgram('systemd-analyze'), words);
  return { code, said: `${stdout}${stderr}`.trim() };
}

/**
 * `systemd-analyze verify` takes the units as they are written, and notices slips.
 * @param {Room} room
 */
export async function verifyUnits(room) {
  const folder = join(room.folder, 'verify');
  for (const answers of [sample, everything]) {
    const root = makeRoot(writeTarget(answers, folder), answers.service);
    const { code, said } = await analyze(room, ['verify', `--root=${root}`, ...unitsOf(answers.service)]);
    assert.deepEqual({ code, said }, { code: 0, said: '' });
  }
  /** @type {readonly (readonly [string, string, RegExp])[]} */
  const slips = [
    ['ProtectSystem=strict', 'ProtectSytem=strict', /Unknown key (name )?'ProtectSytem'/],
    ['ExecStart=/opt/spire', 'ExecStart=/opt/spyre', /is not executable|No such file/],
    ['SystemCallFilter=@system-service', 'SystemCallFilter=@system-servis', /system-servis/],
    ['MemoryMax=1G', 'MemoryMax=lots', /MemoryMax|memory/i],
  ];
  for (const [before, after, expected] of slips) {
    const project = writeTarget(sample, folder, (name, text) =>
      name.endsWith('spire-server.service') ? text.replace(before, after) : text,
    );
    const { said } = await analyze(room, ['verify', `--root=${makeRoot(project, sample.service)}`, ...unitsOf(sample.service)]);
    assert.match(said, expected, `verify did not notice ${after}`);
  }
  return `6 units of 2 projects without a word; ${slips.length} slips noticed`;
}

/**
 * `systemd-analyze security`: no unit is above what the README says, and one that lost a line is.
 * @param {Room} room
 */
export async function measureExposure(room) {
  const folder = join(room.folder, 'exposure');
  const project = writeTarget(sample, folder);
  const root = makeRoot(project, sample.service);
  const readme = project.files.get('README.md') ?? '';
  const version = Number(/systemd (\d+)/.exec((await analyze(room, ['--version'])).said)?.[1]);
  const told = [];
  for (const unit of unitsOf(sample.service)) {
    const stated = Number(new RegExp(`\`${unit.replaceAll('.', '\\.')}\` \\| ([\\d.]+) \\|`).exec(readme)?.[1]);
    assert.ok(stated > 0 && stated < 2, `the README states no exposure below 2 for ${unit}`);
    const words = ['security', `--root=${root}`, '--offline=yes', '--no-pager', `--threshold=${Math.round(stated * 10)}`, unit];
    const { code, said } = await analyze(room, words);
    const measured = Number(/exposure level for \S+: ([\d.]+)/.exec(said)?.[1]);
    assert.equal(
      code,
      0,
      `${unit}: ${measured}, and the README states ${stated}\n${said
        .split('\n')
        .filter((line) => line.startsWith('✗'))
        .join('\n')}`,
    );
    if (version === systemdOfReadme) assert.equal(measured, stated, `the README states another exposure for ${unit}`);
    told.push(`${unit} ${measured}`);
  }
  const slip = writeTarget(sample, folder, (name, text) =>
    name.endsWith('.service') ? text.replace('CapabilityBoundingSet=\n', '') : text,
  );
  const weaker = [
    'security',
    `--root=${makeRoot(slip, sample.service)}`,
    '--offline=yes',
    '--no-pager',
    '--threshold=16',
    'spire-server.service',
  ];
  assert.notEqual((await analyze(room, weaker)).code, 0, 'a unit that keeps every capability was let through');
  return `systemd ${version}: ${told.join(', ')}; a unit without CapabilityBoundingSet= is refused`;
}
