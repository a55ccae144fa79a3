// The course of one drill: the load runs, an outage begins just after a rotation, it ends, identities are renewed. A drill in, its row out.
import { strict as assert } from 'node:assert';
import { openTraffic, sides } from './traffic.js';

/**
 * @typedef {object} Stage
 * @property {import('./place.js').Place} place
 * @property {import('./traffic.js').Traffic} traffic
 * @property {boolean} short
 * @property {number} seconds that the outage lasts
 */

/**
 * When the outage was, by performance.now(), and what the drill found in it.
 * @typedef {{ began: number, back: number, told?: readonly string[] }} Outage
 */

/**
 * @typedef {object} Drill
 * @property {string} name
 * @property {string} rule
 * @property {readonly ('spire' | 'dev')[]} agents
 * @property {boolean} [long] the outage outlasts every SVID: calls have to fail, in one way only
 * @property {readonly ('spire' | 'dev')[]} [inShort] with which agents the short form has it
 * @property {boolean} [fromSvid] the 10 s in which all has to be back count from the new SVIDs, not from the end of the outage
 * @property {boolean} [midRotation] it begins in the middle of a rotation, for which it looks itself
 * @property {(stage: Stage) => Promise<void>} [prepare]
 * @property {(stage: Stage) => Promise<Outage>} outage
 * @property {(stage: Stage) => Promise<readonly string[]>} [after] once SVIDs were renewed
 */

/**
 * @typedef {object} Row
 * @property {string} drill
 * @property {number} outage seconds
 * @property {{ http1: number, http2: number, grpc: number }} calls
 * @property {number} failures
 * @property {number} longestGap between two SVIDs of one side, in seconds
 * @property {number} nextSvid when both sides had a new SVID after the recovery, in seconds
 * @property {number} [firstFailure] after the beginning of the outage, in seconds
 * @property {number} [recovered] the last failed call after the recovery, in seconds
 * @property {number} [recoveredAfterSvid] and after both sides had their SVID
 * @property {Readonly<Record<string, number>>} [codes] of refusals
 * @property {readonly string[]} told
 */

/** What a call is refused with when an identity has expired. */
const expiredCodes = new Set(['ERR_IDENTITY_EXPIRED', 'ERR_PEER_EXPIRED']);
/** How a call ends that was under way when its connection was ended, or met the other side's goodbye: each client says it in its own words. */
const connectionEnded = /\bclosed\b|ECONNRESET|EPIPE|socket hang up|Connection dropped|Failed to connect|REFUSED_STREAM/;
/** So long before the end of an SVID connections are so short that a call may meet their end, in milliseconds. */
const lastMoments = 1000;
/** Each caller has one call under way, and a connection can be ended from either side. */
const mostCut = 2 * 32;
/** The issue: everything is back within so many seconds. */
const recoversWithin = 10;
const second = 1000;

/** @param {number} milliseconds */
const inSeconds = (milliseconds) => Number((milliseconds / second).toFixed(1));
/** @param {number} seconds */
export const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * second));

/**
 * @param {Drill} drill
 * @param {import('./place.js').Place} place
 * @param {{ short: boolean, seconds: number }} options seconds that the outage lasts
 * @returns {Promise<Row>}
 */
export async function runDrill(drill, place, { short, seconds }) {
  const { suite } = place;
  const traffic = await openTraffic({ suite, short });
  const stage = { place, traffic, short, seconds };
  await drill.prepare?.(stage);
  /** @type {string[]} */
  const told = [];
  if (!drill.midRotation) {
    // The development agent renews both at the same pace, so that what lies between them stays: at most half of the time from one to the next.
    const age = await traffic.justRotated({ freshFor: (suite.world.ttl * second) / 4, timeout: suite.world.ttl * 10 * second });
    told.push(`began when the SVIDs were 0 s and ${inSeconds(age)} s old`);
  }
  const { began, back, told: found = [] } = await (drill.long ? watchExpiry(drill, stage, told) : drill.outage(stage));
  told.push(...found);
  // SPIRE's agent asks again after half of the time that its servers were away, give or take a tenth each time; then it renews when it is time.
  const timeout = (suite.world.ttl + Math.max(seconds, 20)) * second;
  const renewed = await Promise.all(sides.map((side) => traffic.next(side, back, timeout)));
  const renewedAt = Math.max(...renewed.map(({ at }) => at));
  told.push(...((await drill.after?.(stage)) ?? []));
  // Callers that idle call again, and channels that back off try again.
  await wait(drill.long ? 30 : 2);
  const result = await traffic.end();
  const failures = traffic.load.seen().filter(({ event }) => event === 'failure');
  const [first, last] = [failures[0], failures.at(-1)];
  /** @type {Row} */
  const row = {
    drill: drill.name,
    outage: inSeconds(back - began),
    calls: result.byProtocol,
    failures: result.failures,
    longestGap: longestGap(traffic.issued()),
    nextSvid: inSeconds(renewedAt - back),
    told,
  };
  for (const [protocol, calls] of Object.entries(row.calls)) assert.ok(calls > 0, `no call over ${protocol}`);
  if (!drill.long || first === undefined || last === undefined) {
    assert.equal(row.failures, 0, `${row.failures} of ${result.calls} calls failed: ${result.failureTexts.join('; ')}`);
    return row;
  }
  const recovered = {
    firstFailure: inSeconds(first.seenAt - began),
    recovered: inSeconds(Math.max(last.seenAt - back, 0)),
    recoveredAfterSvid: inSeconds(Math.max(last.seenAt - renewedAt, 0)),
    codes: countOf(failures.map(({ code }) => code).filter((code) => expiredCodes.has(code))),
  };
  const others = failures.filter(({ code }) => !expiredCodes.has(code));
  const strange = others.find(({ message, seenAt }) => !connectionEnded.test(message) || seenAt > back);
  assert.ok(
    strange === undefined,
    `a call failed otherwise than for its expired identity: ${strange?.protocol} ${strange?.code} ${strange?.message}; ${JSON.stringify(recovered)}`,
  );
  const expiry = Math.min(
    ...failures.map(({ message }) => Date.parse(/expired at (\S+Z)/.exec(message)?.[1] ?? '')).filter(Number.isFinite),
  );
  const early = expiry - (performance.timeOrigin + first.seenAt);
  assert.ok(early <= lastMoments, `a call failed ${inSeconds(early)} s before an SVID expired: ${first.protocol} ${first.message}`);
  assert.ok(others.length <= mostCut, `${others.length} calls were cut off`);
  if (others.length > 0) told.push(`calls that were under way when their connections were ended: ${others.length}`);
  const tooLong = drill.fromSvid ? recovered.recoveredAfterSvid : recovered.recovered;
  assert.ok(
    tooLong <= recoversWithin,
    `a call failed ${tooLong} s after the ${drill.fromSvid ? 'SVIDs were' : 'outage was'} over: ${last.protocol} ${last.message}`,
  );
  return { ...row, ...recovered };
}

/**
 * An outage that outlasts the SVIDs: every connection that lives when calls begin to fail has to end, and nothing may serve after that.
 * @param {Drill} drill
 * @param {Stage} stage
 * @param {string[]} told
 * @returns {Promise<Outage>}
 */
async function watchExpiry(drill, stage, told) {
  const { traffic } = stage;
  const { load } = traffic;
  const proxies = [load.proxy, load.http2Proxy].flatMap((proxy) => proxy ?? []);
  const timeout = (stage.place.suite.world.ttl + 40) * second;
  const before = { mark: load.mark(), live: traffic.live() };
  const ended = Promise.all(proxies.map((proxy) => proxy.untilThoseEnd(timeout)));
  const over = drill.outage(stage);
  // Waited for below: until then nothing of it is lost.
  ended.catch(() => undefined);
  over.catch(() => undefined);
  const failure = await load.event(({ event, code }) => event === 'failure' && expiredCodes.has(code), {
    timeout,
    what: 'refusal for an expired SVID',
    from: before.mark,
  });
  const live = traffic.live();
  await Promise.all([ended, ...proxies.map((proxy) => proxy.untilThoseEnd(20 * second))]);
  told.push(
    `the first refusal was \`${failure.code}\`; the ${before.live} connections of the beginning, and the ${live} that lived then, had all ended ${inSeconds(performance.now() - failure.seenAt)} s later`,
  );
  return over;
}

/** @param {readonly import('./traffic.js').Issued[]} issued */
function longestGap(issued) {
  let longest = 0;
  for (const side of sides) {
    const times = issued.filter((each) => each.side === side).map(({ at }) => at);
    for (const [index, at] of times.entries()) longest = Math.max(longest, at - (times[index - 1] ?? at));
  }
  return inSeconds(longest);
}

/** @param {readonly string[]} words */
function countOf(words) {
  /** @type {Record<string, number>} */
  const counts = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
