// One drill: a fault is made, its alerts fire; it is mended, they clear.
import { until } from '../spire/observe.js';

/** @typedef {import('./prometheus.js').ActiveAlert} ActiveAlert */

/**
 * @typedef {object} Drill
 * @property {string} fault in words
 * @property {readonly Expected[]} alerts
 * @property {() => Promise<void>} make
 * @property {() => Promise<void>} mend
 */

/** @typedef {{ name: string, labels?: Readonly<Record<string, string>> }} Expected an alert, with labels that tell it from others of its name */

/** @typedef {{ alert: string, fault: string, fired: number, cleared: number, said: string }} Outcome seconds after the fault, and after its mending */

const within = { fire: 110_000, clear: 60_000 };

/**
 * @param {object} seen
 * @param {import('./prometheus.js').Prometheus} seen.prometheus
 * @param {(alert: string) => Promise<void>} seen.told resolves when somebody was told of it
 * @param {Drill} drill
 * @returns {Promise<readonly Outcome[]>}
 */
export async function runDrill({ prometheus, told }, { fault, alerts, make, mend }) {
  /** @param {Expected} expected */
  const firing = async ({ name, labels = {} }) =>
    (await prometheus.alerts()).find(
      (alert) =>
        alert.name === name && alert.state === 'firing' && Object.entries(labels).every(([label, value]) => alert.labels[label] === value),
    );
  for (const expected of alerts)
    if ((await firing(expected)) !== undefined) throw new Error(`${expected.name} fires before there is a fault: ${fault}`);
  const begin = performance.now();
  await make();
  const fired = await Promise.all(
    alerts.map(async (expected) => {
      const alert = await until(
        () => firing(expected),
        (found) => found !== undefined,
        {
          timeout: within.fire,
          what: `${expected.name} fires when ${fault}`,
        },
      );
      const after = (performance.now() - begin) / 1000;
      await told(expected.name);
      return { expected, alert, after };
    }),
  );
  const mended = performance.now();
  await mend();
  return Promise.all(
    fired.map(async ({ expected, alert, after }) => {
      await until(
        () => firing(expected),
        (found) => found === undefined,
        {
          timeout: within.clear,
          what: `${expected.name} clears after "${fault}" was mended`,
        },
      );
      return {
        alert: expected.name,
        fault,
        fired: after,
        cleared: (performance.now() - mended) / 1000,
        said: alert?.annotations['description'] ?? '',
      };
    }),
  );
}
