// What promtool and amtool say of deploy/monitoring, and that they would say otherwise: each check once on the files as they are, and once on files with
// a mistake in them.
import { strict as assert } from 'node:assert';
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { alerts, folder } from './source.js';

/**
 * @typedef {object} StaticContext
 * @property {import('./programs.js').Tools} tools
 * @property {import('../spire/room.js').Room} room
 */

/** @typedef {{ file: string, from: string | RegExp, to: string }} Mutation */

const rules = ['ephemos.rules.yml', 'spire.rules.yml'];
const tests = ['ephemos.test.yml', 'spire.test.yml'];

/** @type {readonly { name: string, tool: 'promtool' | 'amtool', args: readonly string[], mutations: readonly Mutation[] }[]} */
const checks = [
  {
    name: 'rules',
    tool: 'promtool',
    args: ['check', 'rules', '--lint=all', '--lint-fatal', ...rules],
    mutations: [
      {
        file: 'spire.rules.yml',
        from: 'rate(spire_server_entry_cache_reload{status="OK"}[5m])',
        to: 'rate(spire_server_entry_cache_reload{status="OK"})',
      },
      { file: 'ephemos.rules.yml', from: '        for: 5m', to: '        fr: 5m' },
      { file: 'ephemos.rules.yml', from: '{{ $labels.service }}', to: '{{ $labels.service }' },
    ],
  },
  {
    name: 'tests of the rules',
    tool: 'promtool',
    args: ['test', 'rules', ...tests],
    mutations: [
      { file: 'ephemos.rules.yml', from: 'time() < 300', to: 'time() < 200' },
      {
        file: 'ephemos.rules.yml',
        from: 'rate(ephemos_tls_handshake_duration_seconds_bucket[5m])',
        to: 'ephemos_tls_handshake_duration_seconds_bucket',
      },
      { file: 'ephemos.rules.yml', from: 'for: 15m', to: 'for: 14m' },
      { file: 'spire.rules.yml', from: '{status="OK"}[5m])) == 0', to: '{status!="OK"}[5m])) > 0' },
      { file: 'spire.rules.yml', from: 'and was not replaced in time', to: '' },
    ],
  },
  {
    name: 'prometheus.yml',
    tool: 'promtool',
    args: ['check', 'config', 'prometheus.yml'],
    mutations: [
      { file: 'prometheus.yml', from: 'honor_labels', to: 'honour_labels' },
      { file: 'prometheus.yml', from: '- spire.rules.yml', to: '- spire.rule.yml' },
    ],
  },
  {
    name: 'alertmanager.yml',
    tool: 'amtool',
    args: ['check-config', 'alertmanager.yml'],
    mutations: [
      { file: 'alertmanager.yml', from: '      receiver: on-call', to: '      receiver: nobody' },
      { file: 'alertmanager.yml', from: 'severity="critical"', to: 'severity:critical' },
    ],
  },
  {
    name: 'a critical alert goes to whoever is on call',
    tool: 'amtool',
    args: [
      'config',
      'routes',
      'test',
      '--config.file=alertmanager.yml',
      '--verify.receivers=on-call',
      'severity=critical',
      'alertname=SPIREAgentDown',
    ],
    mutations: [{ file: 'alertmanager.yml', from: 'severity="critical"', to: 'severity="page"' }],
  },
  {
    name: 'any other to the team',
    tool: 'amtool',
    args: [
      'config',
      'routes',
      'test',
      '--config.file=alertmanager.yml',
      '--verify.receivers=team',
      'severity=warning',
      'alertname=EphemosRestarting',
    ],
    mutations: [{ file: 'alertmanager.yml', from: 'severity="critical"', to: 'severity=~".+"' }],
  },
];

/**
 * @param {StaticContext} context
 * @returns {Promise<string>} what was checked
 */
export async function runStaticChecks({ tools, room }) {
  /** @param {typeof checks[number]} check @param {string} cwd */
  const run = async ({ tool, args }, cwd) => {
    const { file, env } = tools[tool];
    const { code, stdout, stderr } = await room.programs.run(`${tool}-${args[0]}`, file, args, { cwd, env });
    return { code, said: `${stdout}${stderr}`.trim() };
  };
  let mutations = 0;
  for (const check of checks) {
    const { code, said } = await run(check, folder);
    assert.equal(code, 0, `${check.name}: ${said}`);
    for (const mutation of check.mutations) {
      const answer = await run(check, mutated(room.folder, mutation));
      assert.notEqual(answer.code, 0, `${check.name}: not noticed: ${mutation.to} in ${mutation.file}`);
      mutations += 1;
    }
  }
  return `${checks.length} checks by promtool and amtool, ${alerts.length} alerts tested; ${mutations} mistakes noticed`;
}

/**
 * A copy of the folder with one mistake.
 * @param {string} base
 * @param {Mutation} mutation
 */
function mutated(base, { file, from, to }) {
  const copy = mkdtempSync(join(base, 'mutated-'));
  cpSync(folder, copy, { recursive: true });
  const before = readFileSync(join(copy, file), 'utf8');
  const after = before.replace(from, to);
  assert.notEqual(after, before, `${file} has no ${from}`);
  writeFileSync(join(copy, file), after);
  return copy;
}
