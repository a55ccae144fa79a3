// No identity, or another than was meant.
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { until } from '../observe.js';
import { assertFound, mendFile, mendLine } from './place.js';

const uids = { well: 20_301, none: 20_302, file: 20_303, wrong: 20_304, owned: 20_305, orphan: 20_306, late: 20_307, path: 20_308 };
const id = (/** @type {string} */ name) => `spiffe://example.org/${name}`;
const arrival = 15_000;

/**
 * Asks until the identity has arrived.
 * @param {import('./place.js').Place} place
 * @param {readonly string[]} args
 */
async function untilWell(place, args) {
  const report = await until(
    () => place.doctor(args),
    ({ code }) => code === 0,
    { timeout: arrival, what: 'the mend works' },
  );
  assert.equal(report.rules['identity']?.result, 'pass');
  return report;
}

/** @type {readonly import('./run.js').Case[]} */
export const identityCases = [
  {
    name: 'well',
    rule: 'with everything in order and everything given, all ten rules pass and it ends with 0',
    run: async (place) => {
      await place.entry(id('well'), [`unix:uid:${uids.well}`]);
      const config = place.write(
        'well.yaml',
        'service: { name: well, domain: example.org, authorized_clients: [spiffe://example.org/web] }\n',
      );
      const args = [
        '--config',
        config,
        '--server',
        place.server,
        '--server-address',
        place.spire.serverAddress,
        '--agent-log',
        place.agent.log,
      ];
      const health = ['--spire-agent-health', place.agent.health, '--spire-server-health', place.serverHealth];
      const asRoot = await untilWell(place, [...args, ...health, '--user', `${uids.well}:${uids.well}`]);
      assert.deepEqual(asRoot.counts, { pass: 10, fail: 0, warn: 0, skip: 0 }, JSON.stringify(asRoot.rules));
      const asItself = await place.doctor(['--strict', '--trust-domain', 'example.org'], { uid: uids.well });
      assert.deepEqual([asItself.code, asItself.findings], [0, []]);
      assert.match(
        await place.text(['--only', 'spire.reachable.identity'], { uid: uids.well }),
        /pass {2}identity {4}spiffe:\/\/example\.org\/well\n/,
      );
      return `10 passed in ${asRoot.ms.toFixed(0)} ms; with the flags of a beginner ${asItself.counts.pass} pass and ${asItself.counts.skip} are skipped`;
    },
  },
  {
    name: 'no-entry',
    rule: 'no identity: the selectors are shown, and both the command and the file that are shown give it one',
    run: async (place, short) => {
      const alone = assertFound(await place.doctor([], { uid: uids.none }), ['identity.none-issued']);
      assert.match(alone[0]?.evidence.join('\n') ?? '', new RegExp(`unix:uid:${uids.none}, unix:gid:${uids.none}`));
      const args = ['--server', place.server, '--id', id('none'), '--user', `${uids.none}:${uids.none}`];
      const [finding] = assertFound(await place.doctor(args), ['identity.no-entry']);
      await place.shell(mendLine(finding, /^spire-server entry create/));
      await untilWell(place, args);
      if (short) return 'created by spire-server entry create';
      const others = ['--server', place.server, '--id', id('file'), '--user', `${uids.file}:${uids.file}`];
      const [again] = assertFound(await place.doctor(others), ['identity.no-entry']);
      const file = place.write('entries.yaml', mendFile(again));
      await place.shell(`ephemos entries apply -f '${file}' --server '${place.server}'`);
      await untilWell(place, others);
      return 'created by spire-server entry create, and by ephemos entries apply';
    },
  },
  {
    name: 'selectors-seen',
    full: true,
    rule: 'the selectors that are shown are those that the agent saw, for users with names and groups too',
    run: async (place) => {
      /** @type {string[]} */
      const told = [];
      for (const user of ['0', 'www-data', 'sync', `${uids.none}:${uids.file}`]) {
        const shown = (await place.doctor(['--user', user])).findings.find((each) => each.id.includes('.identity.'));
        const seen = (await place.doctor(['--user', user, '--agent-log', place.agent.log])).findings.find((each) =>
          each.id.includes('.identity.'),
        );
        // Some have an identity by now, and nothing is found.
        if (shown === undefined || seen === undefined) continue;
        const [, ours = ''] = /attestor sees of this process[^:]*: (.*?);/.exec(shown.evidence.join('\n')) ?? [];
        const [, theirs = ''] = /the agent saw of this process[^:]*: (.*)/.exec(seen.evidence.join('\n')) ?? [];
        assert.deepEqual(ours.split(', ').sort(), theirs.split(', ').sort());
        told.push(`${user}: ${theirs.split(', ').length}`);
      }
      assert.ok(told.length >= 3, told.join('; '));
      return `equal for ${told.join(', ')} selectors`;
    },
  },
  {
    name: 'wrong-selector',
    rule: 'the nearest entry and what differs are named; the printed change mends it, in a file where the entry is from one',
    run: async (place, short) => {
      const entryId = await place.entry(
        id('wrong'),
        ['unix:uid:4711', `unix:gid:${uids.wrong}`],
        ['-x509SVIDTTL', '1800', '-dns', 'wrong.example.org'],
      );
      const args = ['--server', place.server, '--user', `${uids.wrong}:${uids.wrong}`];
      await until(
        () => place.doctor(args),
        ({ findings }) => findings.length === 1,
        { timeout: arrival, what: 'one finding' },
      );
      const [finding] = assertFound(await place.doctor(args), ['identity.wrong-selector']);
      assert.match(
        finding?.evidence.join('\n') ?? '',
        new RegExp(`entry ${entryId} grants ${id('wrong')} to unix:uid:4711, which this process has not`),
      );
      await place.shell(mendLine(finding, /^spire-server entry update/));
      await untilWell(place, args);
      const [after] = JSON.parse(await place.spire.cli(['entry', 'show', '-entryID', entryId, '-output', 'json'])).entries;
      assert.deepEqual(
        [after.x509_svid_ttl, after.dns_names, after.selectors.length],
        [1800, ['wrong.example.org'], 2],
        JSON.stringify(after),
      );
      if (short) return 'changed in place by spire-server entry update with its other fields kept';

      const owned = ['--server', place.server, '--user', `${uids.owned}:${uids.owned}`, '--id', id('owned')];
      const item = `  - { spiffe_id: ${id('owned')}, parent_id: ${place.agentId}, selectors: ["unix:uid:4712"], x509_svid_ttl: 20m }\n`;
      const first = place.write('owned.yaml', `owner: shop\nentries:\n${item}`);
      await place.shell(`ephemos entries apply -f '${first}' --server '${place.server}'`);
      const [ours] = assertFound(await place.doctor(owned), ['identity.wrong-selector']);
      const file = place.write('owned-2.yaml', mendFile(ours));
      const applied = await place.shell(`ephemos entries apply -f '${file}' --server '${place.server}'`);
      assert.match(applied, /1 changed/);
      await untilWell(place, owned);
      return 'changed in place by spire-server entry update with its other fields kept, and by ephemos entries apply';
    },
  },
  {
    name: 'path-selector',
    full: true,
    rule: 'an entry that asks for the path of the program, where the agent does not look at paths',
    run: async (place) => {
      const program = place.room.reach.node;
      await place.entry(id('path'), [`unix:path:${program}`, `unix:uid:${uids.path}`]);
      const args = ['--server', place.server, '--id', id('path'), '--user', `${uids.path}:${uids.path}`];
      const [finding] = assertFound(await place.doctor(args), ['identity.wrong-selector']);
      assert.match(finding?.evidence.join('\n') ?? '', /sees only with discover_workload_path = true/);
      const line = mendLine(finding, /^WorkloadAttestor "unix"/);
      const edit = (/** @type {string} */ conf) => conf.replace('WorkloadAttestor "unix" { plugin_data {} }', line);
      const agent = await place.startAgent('path', { edit });
      await agent.logged(/Serving health checks/);
      const [, parent = ''] = /successful.*spiffe_id="([^"]*)"/.exec(readFileSync(agent.log, 'utf8')) ?? [];
      await place.entry(id('path'), [`unix:path:${program}`, `unix:uid:${uids.path}`], ['-parentID', parent]);
      const report = await until(
        () => place.doctor(['--id', id('path')], { uid: uids.path, socket: agent.endpoint }),
        ({ code }) => code === 0,
        { timeout: arrival, what: 'an agent that looks at paths gives it out' },
      );
      await agent.program.stop();
      await place.spire.cli(['agent', 'evict', '-spiffeID', parent]);
      return `with the printed block in agent.conf: ${report.rules['identity']?.reason}`;
    },
  },
  {
    name: 'wrong-parent',
    rule: 'an entry that fits and belongs to an agent that is not there; the printed command gives it to the one that is',
    run: async (place) => {
      await place.entry(id('orphan'), [`unix:uid:${uids.orphan}`], ['-parentID', id('spire/agent/join_token/gone')]);
      const args = ['--server', place.server, '--user', `${uids.orphan}:${uids.orphan}`, '--agent-log', place.agent.log];
      const [finding] = assertFound(await place.doctor(args), ['identity.wrong-parent']);
      await place.shell(mendLine(finding, /^spire-server entry update/));
      await untilWell(place, args);
      return 'mended by spire-server entry update';
    },
  },
  {
    name: 'not-arrived',
    full: true,
    rule: 'an entry fits and the agent has not asked for it yet',
    run: async (place) => {
      const agent = await place.startAgent('slow', { edit: (conf) => conf.replace('sync_interval = "1s"', 'sync_interval = "1h"') });
      await agent.logged(/Serving health checks/);
      const [, parent = ''] = /successful.*spiffe_id="([^"]*)"/.exec(readFileSync(agent.log, 'utf8')) ?? [];
      await place.entry(id('late'), [`unix:uid:${uids.late}`], ['-parentID', parent]);
      const report = await place.doctor(['--server', place.server, '--user', `${uids.late}:${uids.late}`, '--agent-log', agent.log], {
        socket: agent.endpoint,
      });
      assertFound(report, ['identity.not-arrived']);
      await agent.program.stop();
      await place.spire.cli(['agent', 'evict', '-spiffeID', parent]);
      return 'with a sync interval of one hour';
    },
  },
  {
    name: 'other-id',
    rule: 'an identity that is not the one in the configuration, and a trust domain that is not',
    run: async (place) => {
      const config = place.write(
        'other.yaml',
        'service: { name: orders, domain: example.org, authorized_clients: [spiffe://example.org/web] }\n',
      );
      await place.entry(id('well'), [`unix:uid:${uids.well}`]).catch(() => ''); // The case `well` may have made it.
      await until(
        () => place.doctor([], { uid: uids.well }),
        ({ code }) => code === 0,
        { timeout: arrival, what: 'an identity' },
      );
      const [finding] = assertFound(await place.doctor(['--config', config], { uid: uids.well }), ['identity.other-id']);
      assert.match(
        finding?.evidence.join('\n') ?? '',
        /other\.yaml says spiffe:\/\/example\.org\/orders\nthe agent gives spiffe:\/\/example\.org\/well/,
      );
      const other = await place.doctor(['--trust-domain', 'prod.acme.com', '--server-address', place.spire.serverAddress], {
        uid: uids.well,
      });
      const [differ] = assertFound(other, ['agrees.differ']);
      assert.equal(mendLine(differ, /^trust_domain/), 'trust_domain = "example.org"');
      return 'by --config and by --trust-domain';
    },
  },
];
