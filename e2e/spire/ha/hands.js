// What the drills do to the parts of a deployment: take one away for a while, bring the agent to a server, look into a log.
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { wait } from './drill.js';

/** @typedef {import('./drill.js').Stage} Stage */
/** @typedef {import('./place.js').Highly} Highly */

/**
 * @param {Stage} stage
 * @returns {Highly}
 */
export function highlyOf({ place: { highly } }) {
  if (highly === undefined) throw new Error('only for the highly available deployment');
  return highly;
}

/**
 * Ends something, waits as long as the outage shall last, and starts it again.
 * @param {Stage} stage
 * @param {{ end: () => Promise<unknown>, begin: () => Promise<unknown>, meanwhile?: () => Promise<string> }} steps
 * @returns {Promise<import('./drill.js').Outage>}
 */
export async function away({ seconds }, { end, begin, meanwhile }) {
  const began = performance.now();
  await end();
  await wait(seconds - (performance.now() - began) / 1000);
  const told = await meanwhile?.();
  await begin();
  return { began, back: performance.now(), told: told === undefined ? [] : [told] };
}

/**
 * Sees to it that the agent is on one server.
 * @param {Highly} highly
 * @param {string} name
 */
export async function bringAgentTo({ servers, balancer }, name) {
  const homes = await balancer.homes();
  if (homes.length === 1 && homes[0] === name) return;
  const others = servers.filter((server) => server.name !== name);
  for (const other of others) await balancer.drain(other.name);
  await balancer.untilHome(name);
  for (const other of others) await balancer.readmit(other.name);
}

/**
 * @param {Highly} highly
 * @param {string} from
 */
export async function mustHaveMoved({ balancer }, from) {
  const homes = await balancer.homes();
  assert.ok(homes.length === 1 && homes[0] !== from, `the agent is on ${homes.join(' and ') || 'no server'}, not on the other one`);
  return `the agent went from ${from} to ${homes[0]}`;
}

/**
 * Everything that a program has written since it was first started.
 * @param {Stage} stage
 * @param {string} name
 */
export const logOf = ({ place: { suite } }, name) => readFileSync(join(suite.folder, 'logs', `${name}.log`), 'utf8');
