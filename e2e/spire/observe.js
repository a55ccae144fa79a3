// What a running service shows to those who watch it: its probes and its metrics.

/**
 * @param {string} address host:port of the probes
 * @param {'livez' | 'readyz'} name
 * @returns {Promise<{ ok: boolean, text: string }>} with the checks by name
 */
export async function probe(address, name) {
  const response = await fetch(`http://${address}/${name}?verbose`);
  return { ok: response.status === 200, text: (await response.text()).trim() };
}

/**
 * Scrapes once.
 * @param {string} address host:port of the metrics
 * @returns {Promise<(name: string, label?: string) => number>} the sum of the samples of a metric that have this label
 */
export async function scrape(address) {
  const response = await fetch(`http://${address}/metrics`);
  if (!response.ok) throw new Error(`the metrics were answered with ${response.status}`);
  const lines = (await response.text()).split('\n');
  return (name, label = '') => {
    const samples = lines.filter((line) => line.startsWith(`${name}{`) && line.includes(label));
    if (samples.length === 0 && !lines.includes(`# TYPE ${name} counter`)) throw new Error(`there is no sample of ${name} with ${label}`);
    return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  };
}

/**
 * Asks again and again until the answer fits.
 * @template T
 * @param {() => Promise<T>} ask
 * @param {(answer: T) => boolean} fits
 * @param {{ timeout: number, what: string }} options
 * @returns {Promise<T>}
 */
export async function until(ask, fits, { timeout, what }) {
  const deadline = performance.now() + timeout;
  for (;;) {
    const answer = await ask();
    if (fits(answer)) return answer;
    if (performance.now() > deadline) throw new Error(`never within ${timeout} ms: ${what}; last: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
