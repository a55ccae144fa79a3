// The rules in a network of two machines, each a namespace: who gets through to sockets that listen, by the address that they come from.
import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findNft, findProgram } from './programs.js';
import { everything, sample, writeTarget } from './project.js';

/** @typedef {import('../../spire/room.js').Room} Room */
/** @typedef {import('../../spire/process.js').Program} Program */

const reply = 20_000;
const here = fileURLToPath(new URL('./machine.js', import.meta.url));
const rulesOf = (/** @type {string} */ service) => `etc/nftables.d/ephemos-${service}.nft`;
const listening = [9443, 8081, 8082, 9080, 9090, 9982, 9988, 9989, 22];
/** The machine with the rules has .1 or ::1 in each network, the other one has the rest. */
const networks = ['10.1.0', '10.2.0', '10.3.0', '192.168.7', 'fd10:', 'fd20:', 'fd30:', 'fd99:'];

/**
 * nft takes the rules as they are written, twice, and refuses slips.
 * @param {Room} room
 */
export async function checkRules(room) {
  const { program, env } = findNft(room.log);
  const check = async (/** @type {string} */ file) =>
    room.programs.run('nft', findProgram('unshare'), ['--net', program, '-c', '-f', file], { env });
  const folder = join(room.folder, 'rules');
  for (const answers of [sample, everything]) {
    const { code, stdout, stderr } = await check(writeTarget(answers, folder).path(rulesOf(answers.service)));
    assert.deepEqual({ code, said: `${stdout}${stderr}` }, { code: 0, said: '' });
  }
  const slips = /** @type {const} */ ([
    ['10.0.0.0/8', '10.0.0.0/33'],
    ['@peers4', '@peer4'],
    ['priority filter - 10', 'priority filtre - 10'],
  ]);
  for (const [before, after] of slips) {
    const project = writeTarget(sample, folder, (_name, text) => text.replace(before, after));
    assert.notEqual((await check(project.path(rulesOf(sample.service)))).code, 0, `nft took ${after}`);
  }
  return `2 projects taken; ${slips.length} slips refused`;
}

/**
 * Peers, agents and monitoring reach what is theirs, and nobody reaches anything else.
 * @param {Room} room
 */
export async function holdFirewall(room) {
  const { program: nft, env } = findNft(room.log);
  const [ip, unshare, nsenter] = [findProgram('ip'), findProgram('unshare'), findProgram('nsenter')];
  const rules = writeTarget(everything, join(room.folder, 'firewall')).path(rulesOf(everything.service));
  const start = (/** @type {string} */ name, /** @type {readonly string[]} */ words) =>
    room.programs.start(name, unshare, ['--net', process.execPath, here, ...words]);
  const [host, other] = [start('guarded-machine', ['listen', ...listening.map(String)]), start('other-machine', ['dial'])];
  for (const each of [host, other]) await each.line((line) => line === 'started', { timeout: reply, what: 'start' });
  /** @param {Program} machine @param {string} command @param {readonly string[]} words */
  const inside = async ({ pid }, command, words) => {
    const { code, stdout, stderr } = await room.programs.run('nsenter', nsenter, ['--net', '--target', String(pid), command, ...words], {
      env,
    });
    if (code !== 0) throw new Error(`${command} ${words.join(' ')}: ${stderr.trim()}`);
    return stdout;
  };
  await inside(host, ip, ['link', 'add', 'eph0', 'type', 'veth', 'peer', 'name', 'eph1', 'netns', String(other.pid)]);
  for (const [machine, device, last] of /** @type {const} */ ([
    [host, 'eph0', 1],
    [other, 'eph1', 2],
  ])) {
    await inside(machine, ip, ['link', 'set', 'lo', 'up']);
    for (const network of networks) {
      const six = network.endsWith(':');
      const address = six ? [`${network}:${last}/64`, 'nodad'] : [`${network}.${last}/24`];
      await inside(machine, ip, ['address', 'add', ...address, 'dev', device]);
    }
    await inside(machine, ip, ['link', 'set', device, 'up']);
  }
  host.write('listen');
  await host.line((line) => line === 'listening', { timeout: reply, what: 'sockets' });

  let turn = 0;
  const dropped = async () => Number(/counter packets (\d+)/.exec(await inside(host, nft, ['list', 'ruleset']))?.[1] ?? 0);
  /**
   * Whether a connection from one of the networks to a port is made; one that is dropped is seen in the counter of the rules, however slow the machine is.
   * @param {string} network @param {number} port
   */
  const connects = async (network, port) => {
    const number = turn++;
    const before = await dropped();
    const [from, to] = network.endsWith(':') ? [`${network}:2`, `${network}:1`] : [`${network}.2`, `${network}.1`];
    other.write(JSON.stringify({ number, from, to, port }));
    /** @type {string | undefined} */
    let answer;
    const answered = other.line((line) => line.startsWith(`${number} `), { timeout: reply, what: `answer about ${network} to ${port}` });
    answered.then(
      (line) => {
        answer = line;
      },
      () => undefined,
    );
    while (answer === undefined && (await dropped()) === before) await new Promise((resolve) => setTimeout(resolve, 25));
    other.write(JSON.stringify({ number, stop: true }));
    return (await answered) === `${number} connected`;
  };
  // Without the rules everybody gets everywhere: what is refused below is refused by them.
  for (const network of networks) assert.ok(await connects(network, 9443), `there is no network ${network}`);
  for (let times = 0; times < 2; times++) await inside(host, nft, ['-f', rules]);
  assert.equal((await inside(host, nft, ['list', 'tables'])).trim(), 'table inet ephemos_order_book');

  const may = /** @type {Readonly<Record<string, readonly number[]>>} */ ({
    '10.1.0': [9443],
    'fd10:': [9443],
    '10.2.0': [8081],
    'fd20:': [8081],
    '10.3.0': [9090, 9988, 9989],
    'fd30:': [9090, 9988, 9989],
    '192.168.7': [],
    'fd99:': [],
  });
  let refused = 0;
  for (const network of networks) {
    for (const port of listening) {
      const expected = port === 22 || (may[network] ?? []).includes(port);
      assert.equal(await connects(network, port), expected, `${network} to ${port} ${expected ? 'was refused' : 'got through'}`);
      if (!expected) refused++;
    }
  }
  // On the machine itself, which asks its own health.
  const own = await room.programs.run('nsenter', nsenter, [
    '--net',
    '--target',
    String(host.pid),
    process.execPath,
    here,
    'once',
    '127.0.0.1',
    '9080',
  ]);
  assert.equal(own.stdout.trim(), 'connected');
  await Promise.all([host.stop({ signal: 'SIGKILL' }), other.stop({ signal: 'SIGKILL' })]);
  const passed = networks.length * listening.length - refused;
  return `${passed} pairs of network and port pass, ${refused} are dropped, over IPv4 and IPv6; port 22 is left alone; loopback passes`;
}
