// What was seen of a service as a page for a terminal. Nothing here reads a clock.
import { formatAddress } from '../input/address.ts';
import { columns, count, printable } from '../output/text.ts';
import { lifeLeft, span, timeOfDay } from '../output/time.ts';
import { lifeBar } from './life-bar.ts';
import { bytes, milliseconds } from './numbers.ts';
import type { Observation, Targets } from './observe.ts';
import type { Reading, ShownIdentity } from './reading.ts';
import { refusalTable, trafficTable } from './tables.ts';
import { failingText, type Look, readyOf, type View } from './view.ts';

/** The page, as lines; for {@link Look.columns}, but not cut to them. */
export function pageOf(view: View, look: Look): readonly string[] {
  const { observation, paces } = view;
  const { style } = look;
  if (observation === undefined) return [style.bold('ephemos top'), '', `waiting for ${targetNames(view.targets)}`];
  const { reading, time } = observation;
  const facts = [
    ...readinessRows(observation, look),
    ...scrapeErrorRows(view, look),
    ...(reading === undefined ? [] : readingRows(reading, time, look)),
  ].map(([name = '', text = '']) => [style.dim(name), text]);
  const page = [titleOf(reading, time, look), '', ...columns(facts, { width: look.columns }).split('\n')];
  if (reading === undefined || paces === undefined) return page;
  return [...page, '', ...trafficTable(reading, paces, look), '', ...refusalTable(paces, look)];
}

function titleOf(reading: Reading | undefined, time: number, { style, columns: width }: Look): string {
  const { service, version, startedAt } = reading ?? {};
  const parts = [service, version].filter((part) => part !== undefined).map(printable);
  const up = startedAt === undefined ? '' : `, up ${span(time - startedAt)}`;
  const left = `ephemos top  ${parts.join(' ')}${up}`.trimEnd();
  const right = timeOfDay(time);
  return `${style.bold(left)}${' '.repeat(Math.max(2, width - left.length - right.length))}${style.dim(right)}`;
}

function readinessRows(observation: Observation, { style }: Look): readonly (readonly string[])[] {
  const { probe } = observation;
  if (probe?.reachable === false) return [['probes', `${style.bad('no answer')}: ${printable(probe.reason ?? '')}`]];
  const isReady = readyOf(observation);
  if (isReady === undefined) return [];
  return [['ready', isReady ? style.good('yes') : `${style.bad('no')}: ${printable(failingText(observation))}`]];
}

function scrapeErrorRows({ targets, observation, lastSeen }: View, { style }: Look): readonly (readonly string[])[] {
  if (observation === undefined) return [];
  if (targets.metrics === undefined) return [['metrics', 'not asked']];
  if (observation.scrapeError === undefined) return [];
  const seen = lastSeen === undefined ? '' : `; last seen ${span(observation.time - lastSeen)} ago`;
  return [['metrics', `${style.bad('no answer')} from ${formatAddress(targets.metrics)}: ${printable(observation.scrapeError)}${seen}`]];
}

function readingRows(reading: Reading, time: number, look: Look): readonly (readonly string[])[] {
  const { style } = look;
  const { identity, agentConnected, draining, trustDomains, residentBytes, eventLoopLag } = reading;
  const process = [
    residentBytes === undefined ? '' : bytes(residentBytes),
    eventLoopLag === undefined ? '' : `event loop p99 ${milliseconds(eventLoopLag)}`,
  ].filter((part) => part !== '');
  return [
    ...(identity === undefined ? [['identity', style.bad('none')]] : identityRows(identity, time, look)),
    ...(agentConnected === undefined
      ? []
      : [['agent', agentConnected ? style.good('connected') : style.warn('lost; what it gave stays valid until it expires')]]),
    ['trust', count(trustDomains, 'trust domain')],
    ...(draining === undefined ? [] : [['drain', draining ? style.warn('in progress') : 'no']]),
    ...(process.length === 0 ? [] : [['process', process.join(', ')]]),
  ];
}

function identityRows(
  { id, notBefore, notAfter, rotations, lastRotation }: ShownIdentity,
  time: number,
  look: Look,
): readonly (readonly string[])[] {
  const left = lifeLeft(notAfter, time);
  const bar = notBefore === undefined ? '' : `${lifeBar({ notBefore, notAfter, time }, look)}  `;
  const last = lastRotation === undefined || rotations === 0 ? '' : `, last ${span(time - lastRotation)} ago`;
  return [
    ['identity', look.style.bold(printable(id))],
    ['life', `${bar}${left}`],
    ['rotated', `${count(rotations, 'time')}${last}`],
  ];
}

function targetNames({ health, metrics }: Targets): string {
  return [health, metrics]
    .filter((address) => address !== undefined)
    .map(formatAddress)
    .join(' and ');
}
