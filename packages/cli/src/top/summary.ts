// What was seen of a service in short: one line for people, one document for programs.
import { type Address, formatAddress } from '../input/address.ts';
import { printable, type Style } from '../output/text.ts';
import { lifeLeft, timeOfDay } from '../output/time.ts';
import type { CountedReason, Pace, Paces } from './history.ts';
import { perSecond, whole } from './numbers.ts';
import { failingText, readyOf, type View } from './view.ts';

/** One line that says the same in short. */
export function lineOf({ targets, observation, paces }: View, style: Style): string {
  if (observation === undefined) return '';
  const { time, probe, reading, scrapeError } = observation;
  const parts = [style.dim(timeOfDay(time))];
  const isReady = readyOf(observation);
  if (probe?.reachable === false) parts.push(style.bad(`no answer from ${addressOf(targets.health)}`), printable(probe.reason ?? ''));
  else if (isReady !== undefined)
    parts.push(isReady ? style.good('ready') : style.bad(`not ready: ${printable(failingText(observation))}`));
  if (scrapeError !== undefined) parts.push(style.bad(`no metrics from ${addressOf(targets.metrics)}: ${printable(scrapeError)}`));
  if (reading !== undefined && paces !== undefined) {
    const { identity, connections, draining, agentConnected } = reading;
    const sumOf = (reasons: readonly CountedReason[]): number | undefined =>
      reasons.every(({ rate }) => rate !== undefined) ? reasons.reduce((sum, { rate = 0 }) => sum + rate, 0) : undefined;
    parts.push(identity === undefined ? style.bad('no identity') : `${printable(identity.id)} ${lifeLeft(identity.notAfter, time)}`);
    parts.push(agentConnected === false ? style.warn('agent lost') : 'agent connected');
    parts.push(`${whole(connections.server)} in ${whole(connections.client)} out`);
    parts.push(`handshakes ${perSecond(paces.handshakes.server.rate)}`);
    parts.push(`requests ${perSecond(plus(paces.http.rate, paces.grpc.rate))}`);
    parts.push(`refused ${perSecond(sumOf(paces.refused))}`);
    parts.push(`denied ${perSecond(sumOf(paces.denied))}`);
    if (draining === true) parts.push(style.warn('draining'));
  }
  return parts.filter((part) => part !== '').join('  ');
}

/** The document. */
export function documentOf({ targets, observation, paces }: View): object {
  const { time = 0, probe, reading, scrapeError } = observation ?? {};
  const identity = reading?.identity;
  const iso = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());
  return {
    time: iso(time),
    health:
      probe === undefined || targets.health === undefined
        ? null
        : {
            address: formatAddress(targets.health),
            reachable: probe.reachable,
            ready: probe.ok,
            checks: probe.checks,
            reason: probe.reason ?? null,
          },
    metrics:
      targets.metrics === undefined
        ? null
        : { address: formatAddress(targets.metrics), reachable: reading !== undefined, reason: scrapeError ?? null },
    service:
      reading === undefined
        ? null
        : {
            name: reading.service ?? null,
            version: reading.version ?? null,
            startedAt: iso(reading.startedAt),
            draining: reading.draining ?? null,
            agentConnected: reading.agentConnected ?? null,
            trustDomains: reading.trustDomains,
            connections: reading.connections,
            identity:
              identity === undefined
                ? null
                : {
                    id: identity.id,
                    notBefore: iso(identity.notBefore),
                    notAfter: iso(identity.notAfter),
                    remainingSeconds: Math.floor((identity.notAfter - time) / 1000),
                    rotations: identity.rotations,
                  },
          },
    paces: paces === undefined ? null : pacesJson(paces),
  };
}

function pacesJson({ handshakes, http, grpc, refused, denied }: Paces): object {
  const pace = ({ rate, p95, total }: Pace): object => ({ perSecond: rate ?? null, p95Seconds: p95 ?? null, total });
  const reasons = (all: readonly CountedReason[]): object =>
    all.map(({ reason, rate, total }) => ({ reason, perSecond: rate ?? null, total }));
  return {
    handshakes: { server: pace(handshakes.server), client: pace(handshakes.client) },
    requests: { http: pace(http), grpc: pace(grpc) },
    refused: reasons(refused),
    denied: reasons(denied),
  };
}

function plus(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b;
}

function addressOf(address: Address | undefined): string {
  return address === undefined ? 'nobody' : formatAddress(address);
}
