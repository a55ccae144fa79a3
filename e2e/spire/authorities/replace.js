// One change of authority under load, in the order that loses nothing or all at once, seen by those who look on. Steps in, a row of figures out.
import { strict as assert } from 'node:assert';
import { staleId } from './scene.js';

/** @typedef {import('./scene.js').Scene} Scene */
/** @typedef {import('./scene.js').Event} Event */
/** @typedef {import('./scene.js').Figures} Figures */

/**
 * The steps of a change that keeps everybody served.
 * @typedef {object} Steps
 * @property {() => Promise<void>} announce the new authority is in the bundle and signs nothing yet
 * @property {() => Promise<void>} sign the new authority signs
 * @property {() => Promise<void>} distrust whatever the old one signed is renewed
 * @property {() => Promise<void>} remove the old one leaves the bundle
 */

/**
 * When each thing was seen, in ms since the step that began it.
 * @typedef {object} Times
 * @property {number} [announced] the new authority in the bundle of a workload
 * @property {number} [renewed] the SVIDs of both sides signed by the new one
 * @property {number} [removed] the old one gone from the bundle of a workload
 * @property {number} [ended] live connections with a peer of the old one ended on both sides, since a workload saw it gone
 * @property {number} [back] new connections work again on both sides
 */

/** @typedef {Figures & { times: Times, remark: string }} Row */

/** The issue: live connections of a revoked authority end within this of the agent's push, in ms. */
export const endsWithin = 5_000;
/** The server looks for changes each 5 s, the agent too: SPIRE's defaults. */
const propagation = 30_000;
/** How much later than the event itself another process may tell of it, in ms. */
const orderOfObservation = 250;
export const unknownAuthority = 'ERR_PEER_AUTHORITY_UNKNOWN';

/** @param {number} seconds */
export const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
export const since = (/** @type {number} */ begin) => Date.now() - begin;

/** @param {Event} event */
export const authoritiesOf = ({ authorities }) => (Array.isArray(authorities) ? authorities.map(String) : []);

/**
 * The last state of a workload.
 * @param {Scene} scene
 * @returns {Event}
 */
export function stateOf({ observer }) {
  const state = observer.all().findLast(({ event }) => event === 'state');
  if (state === undefined) throw new Error('the observer has seen nothing yet');
  return state;
}

/**
 * Resolves when a new connection shows that both sides have an SVID of another signer, below an authority that passes.
 * @param {Scene} scene
 * @param {Event} before
 * @param {(anchor: string) => boolean} fits
 * @param {number} timeout
 */
export async function untilRenewed({ observer }, before, fits, timeout) {
  const isNew = (/** @type {Event} */ { signer, anchor }) => signer !== before['signer'] && anchor !== 'none' && fits(String(anchor));
  await observer.event((event) => event.event === 'state' && isNew(event), { timeout, what: 'SVID of the new authority' });
  await observer.event((event) => event.event === 'peer' && isNew(event), { timeout, what: 'peer with an SVID of the new authority' });
}

/**
 * Waits for the end of the peer that never rotates, on both sides, and holds it against the rule of the issue.
 * @param {Scene} scene
 * @param {number} gone when `ephemos watch` saw the bundle without the authority
 * @param {{ server: number, observer: number, stale: number }} marks
 * @returns {Promise<number>} ms
 */
async function untilStaleEnded({ server, observer, stale }, gone, marks) {
  const timeout = endsWithin + 10_000;
  await stale.event(({ event }) => event === 'refused', { timeout, what: 'refusal by our server', from: marks.stale });
  const refused = await observer.event(({ event }) => event === 'stale-refused', {
    timeout,
    what: 'refusal by our client',
    from: marks.observer,
  });
  assert.equal(refused['code'], unknownAuthority, 'our client refused the peer for another reason');
  // Earlier ones ended for their age, and were made again.
  const asServer = stale.all().findLast(({ event }) => event === 'ended');
  const asClient = observer.all().findLast(({ event }) => event === 'stale-ended');
  if (asServer === undefined || asClient === undefined) throw new Error('a connection was refused and none had ended');
  const ended = Math.max(asServer.time, asClient.time) - gone;
  assert.ok(ended <= endsWithin, `live connections ended ${ended} ms after the bundle was seen without the authority`);
  const earliest = Math.min(asServer.time, asClient.time) - gone;
  assert.ok(earliest > -orderOfObservation, `a live connection ended ${-earliest} ms before the bundle changed`);

  const live = await observer.event(({ event }) => event === 'live-refused', { timeout, what: 'reason for the end', from: marks.observer });
  assert.equal(live['code'], unknownAuthority, 'our client ended the connection for another reason');
  // Beyond ten lines of one reason the audit of a service tells the rest in one line.
  const isTold = (/** @type {Event} */ line, /** @type {boolean} */ isLive) =>
    (line['audit'] === 'deny' && (isLive ? line['live'] === true && line['peer'] === staleId : line['live'] === undefined)) ||
    line['audit'] === 'deny_summary';
  for (const isLive of [true, false]) {
    const what = isLive ? 'audit line of the end' : 'audit line of the refusal';
    const line = await server.event((each) => isTold(each, isLive), { timeout, what, from: marks.server });
    assert.equal(line['reason'], unknownAuthority, `the ${what} gives another reason`);
  }
  return Math.max(0, ended);
}

/** @param {Figures} figures */
export function assertNothingFailed({ calls, failures, handshakes, failedHandshakes, codes }) {
  assert.ok(calls > 0 && handshakes > 0, 'no call was made');
  assert.equal(
    failures + failedHandshakes,
    0,
    `${failures} of ${calls} calls and ${failedHandshakes} of ${handshakes} handshakes failed: ${codes.join(', ')}`,
  );
}

/**
 * The old authority goes last, when nobody needs it any more: no call may fail.
 * @param {Scene} scene
 * @param {Steps} steps
 * @param {{ ttl: number, remark?: string, afterwards?: () => Promise<void> }} options
 * @returns {Promise<Row>}
 */
export async function replaceInOrder(scene, steps, { ttl, remark = '', afterwards }) {
  const before = stateOf(scene);
  const old = authoritiesOf(before);

  let begin = Date.now();
  await steps.announce();
  const grown = await scene.observer.event((event) => event.event === 'state' && authoritiesOf(event).some((each) => !old.includes(each)), {
    timeout: propagation,
    what: 'bundle with the new authority',
  });
  const announced = grown.time - begin;
  assert.equal(grown['anchor'], before['anchor'], 'the new authority signed before the bundle with it had come');
  assert.ok(
    old.every((each) => authoritiesOf(grown).includes(each)),
    'the old authority was gone when the new one came',
  );

  begin = Date.now();
  await steps.sign();
  await untilRenewed(scene, before, (anchor) => !old.includes(anchor), (ttl + 30) * 1000);
  const renewed = since(begin);

  await steps.distrust();

  const marks = { server: scene.server.mark(), observer: scene.observer.mark(), stale: scene.stale.mark() };
  const watched = scene.watch.mark();
  begin = Date.now();
  await steps.remove();
  const gone = await scene.watch.event(({ event, removed }) => event === 'bundle-changed' && Number(removed) > 0, {
    timeout: propagation,
    what: 'bundle without the old authority',
    from: watched,
  });
  const ended = await untilStaleEnded(scene, gone.time, marks);
  await wait(3);
  assert.ok(!authoritiesOf(stateOf(scene)).includes(String(before['anchor'])), 'the old authority is still in the bundle');

  await afterwards?.();

  const figures = await scene.end();
  assertNothingFailed(figures);
  return { ...figures, times: { announced, renewed, removed: gone.time - begin, ended }, remark };
}

/**
 * The old authority goes while everybody still has an SVID of it: calls fail until there are new ones, and then no more.
 * @param {Scene} scene
 * @param {{ announce?: () => Promise<void>, change: () => Promise<void>, ttl: number, expected: readonly string[],
 *   afterwards?: () => Promise<string> }} steps
 * @returns {Promise<Row>}
 */
export async function replaceAtOnce(scene, { announce, change, ttl, expected, afterwards }) {
  const before = stateOf(scene);
  const old = authoritiesOf(before);
  await announce?.();
  if (announce !== undefined) {
    await scene.observer.event((event) => event.event === 'state' && authoritiesOf(event).length > old.length, {
      timeout: propagation,
      what: 'bundle with the new authority',
    });
  }
  const watched = scene.watch.mark();
  const begin = Date.now();
  await change();
  const gone = await scene.watch.event(({ event, removed }) => event === 'bundle-changed' && Number(removed) > 0, {
    timeout: propagation,
    what: 'bundle without the old authority',
    from: watched,
  });
  await untilRenewed(scene, before, (anchor) => !old.includes(anchor), (ttl + 60) * 1000);
  const back = since(begin);
  // gRPC connects again after a pause that grows while nothing answers, to at most 20 s here.
  await wait(20);
  const remark = (await afterwards?.()) ?? '';
  const figures = await scene.end();
  const others = figures.codes.filter((code) => !expected.includes(code));
  assert.deepEqual(others, [], `calls failed for another reason than a change of authority: ${others.join(', ')}`);
  const seen = figures.lastFailureAt;
  assert.ok(seen < Date.now() - 3_000, 'calls still fail after everybody has a new SVID');
  return { ...figures, times: { removed: gone.time - begin, back }, remark };
}
