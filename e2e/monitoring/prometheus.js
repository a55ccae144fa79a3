// A Prometheus on the targets of a suite, each second, with the rules at the pace of the drills; and what it answers.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../spire/spire.js';
import { alertmanagerYaml, DEFAULT_MONITORING, drillPace, prometheusYaml, renderRules } from './source.js';

/** @typedef {import('../../packages/cli/dist/deploy/monitoring/monitoring.js').Targets} Targets */
/** @typedef {{ metric: Readonly<Record<string, string>>, value: [number, string] }} Sample */
/** @typedef {{ metric: Readonly<Record<string, string>>, values: readonly [number, string][] }} Line */
/** @typedef {{ name: string, state: string, labels: Readonly<Record<string, string>>, annotations: Readonly<Record<string, string>> }} ActiveAlert */

/**
 * @typedef {object} Prometheus
 * @property {(query: string) => Promise<readonly Sample[]>} ask throws what Prometheus says against it
 * @property {(query: string, from: number, to: number, step: number) => Promise<readonly Line[]>} over a time, in seconds since 1970
 * @property {() => Promise<readonly string[]>} names of every metric that it has
 * @property {() => Promise<readonly ActiveAlert[]>} alerts pending and firing
 * @property {() => Promise<readonly { name: string, health: string, lastError?: string }[]>} rules
 */

/** @typedef {{ severity: string, status: string, name: string }} Notice */

/**
 * @param {object} options
 * @param {import('../spire/room.js').Room} options.room
 * @param {import('./programs.js').Tools} options.tools
 * @param {Targets} options.targets
 * @param {string} options.webhook where Alertmanager sends to
 * @returns {Promise<Prometheus>} it runs; the room ends it
 */
export async function openPrometheus({ room, tools, targets, webhook }) {
  const home = join(room.folder, 'prometheus');
  mkdirSync(home);
  const [port, alertmanager] = [await freePort(), await freePort()];
  const monitoring = {
    ...DEFAULT_MONITORING,
    targets,
    interval: /** @type {const} */ ('1s'),
    alertmanagers: [`127.0.0.1:${alertmanager}`],
    receivers: { critical: `${webhook}/critical`, warning: `${webhook}/warning` },
  };
  const rules = renderRules(monitoring, drillPace);
  for (const [name, text] of rules) writeFileSync(join(home, name), text);
  writeFileSync(join(home, 'prometheus.yml'), prometheusYaml(monitoring, [...rules.keys()]));
  writeFileSync(join(home, 'alertmanager.yml'), alertmanagerYaml(monitoring, { wait: '1s', interval: '2s' }));
  room.programs.start(
    'alertmanager',
    tools.alertmanager.file,
    [
      ...tools.alertmanager.before,
      `--config.file=${join(home, 'alertmanager.yml')}`,
      `--storage.path=${join(home, 'alerts')}`,
      `--web.listen-address=127.0.0.1:${alertmanager}`,
      '--cluster.listen-address=',
    ],
    { env: tools.alertmanager.env, cwd: home },
  );
  const program = room.programs.start(
    'prometheus',
    tools.prometheus.file,
    [
      `--config.file=${join(home, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(home, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { env: tools.prometheus.env, cwd: home },
  );

  /** @param {string} path @param {Readonly<Record<string, string>>} [query] */
  const get = async (path, query = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(query)}`);
    /** @type {any} */
    const { status, data, error } = await response.json();
    if (status !== 'success') throw new Error(`Prometheus: ${error}`);
    return data;
  };
  const deadline = performance.now() + 30_000;
  for (;;) {
    const ready = await fetch(`http://127.0.0.1:${port}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) break;
    if (!program.running() || performance.now() > deadline)
      throw new Error(`prometheus did not start: ${program.stderr().trim().slice(-400)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    ask: async (query) => (await get('query', { query })).result,
    over: async (query, from, to, step) =>
      (await get('query_range', { query, start: String(from), end: String(to), step: String(step) })).result,
    names: () => get('label/__name__/values'),
    alerts: async () =>
      (await get('alerts')).alerts.map((/** @type {ActiveAlert} */ { labels, state, annotations }) => ({
        name: labels['alertname'],
        state,
        labels,
        annotations,
      })),
    rules: async () => (await get('rules')).groups.flatMap((/** @type {{ rules: readonly unknown[] }} */ { rules: all }) => all),
  };
}
