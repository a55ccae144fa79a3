// The numbers that a SPIRE program shows to Prometheus, read once: a port in, sums of samples out.
import { get } from 'node:http';
import { wait } from './figures.js';

/**
 * @typedef {object} Samples
 * @property {(name: RegExp) => number} sum of every sample whose name matches
 * @property {(name: RegExp) => ReadonlyMap<string, number>} byName
 */

/**
 * @param {number} port on loopback
 * @returns {Promise<Samples>}
 */
export async function scrape(port) {
  /** @type {Map<string, number>} */
  const samples = new Map();
  for (const line of (await read(port)).split('\n')) {
    const match = /^([A-Za-z_:][\w:]*)(?:\{.*\})? (\S+)$/.exec(line);
    if (match === null) continue;
    const [, name = '', value = ''] = match;
    samples.set(name, (samples.get(name) ?? 0) + Number(value));
  }
  const matching = (/** @type {RegExp} */ name) => [...samples].filter(([key]) => name.test(key));
  return {
    sum: (name) => matching(name).reduce((total, [, value]) => total + value, 0),
    byName: (name) => new Map(matching(name)),
  };
}

/**
 * On a connection of its own: a kept one may be that of a program which has been restarted since. The listener comes a moment after the program is ready.
 * @param {number} port
 * @returns {Promise<string>}
 */
async function read(port) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await new Promise((resolve, reject) => {
        const request = get({ host: 'localhost', port, path: '/metrics', agent: false }, (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (part) => {
            text += part;
          });
          response.on('error', reject);
          response.on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error(`status ${response.statusCode}`))));
        });
        request.on('error', reject);
      });
    } catch (error) {
      if (tries >= 20)
        throw new Error(`no metrics at port ${port}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      await wait(0.1);
    }
  }
}
