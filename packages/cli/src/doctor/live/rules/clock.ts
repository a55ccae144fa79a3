// Whether the clock here agrees with SPIRE's, by what tells its time: dates of health listeners, and certificates that must be valid now.
import { span } from '../../../output/time.ts';
import { type Finding, finding, found, pass, type Rule, skip } from '../../check.ts';
import type { LiveEvidence } from '../evidence.ts';
import { setClock } from '../mends.ts';

/** SPIRE makes every certificate valid this long before now, in milliseconds. */
const BACKDATE = 10_000;
/** A date in a header has no fraction, and the way there is not symmetric. */
const UNSURE = 1_000;

/** How far our clock is ahead of another, at least (behind below zero). `bound` is a difference that nothing contradicts. */
interface Reading {
  readonly ahead: number;
  readonly says: string;
}

/** The rule. */
export const clockRule: Rule<LiveEvidence> = {
  id: 'spire.reachable.clock',
  title: "the clock here agrees with SPIRE's",
  judge(evidence) {
    const readings = readClocks(evidence);
    const [first] = readings;
    if (first === undefined) return skip('no other clock is seen: give --spire-server-health or --server-address');
    const worst = readings.reduce((a, b) => (Math.abs(b.ahead) > Math.abs(a.ahead) ? b : a));
    const says = readings.map((each) => each.says);
    if (Math.abs(worst.ahead) <= BACKDATE) return pass(says.join('; '));
    return found(explain(worst, says, evidence));
  },
};

function explain({ ahead }: Reading, evidence: readonly string[], { workload }: LiveEvidence): Finding {
  if (ahead < 0) {
    return finding('spire.reachable.clock.behind', `the clock here is at least ${span(-ahead)} behind`, {
      evidence: [...evidence, 'SPIRE makes SVIDs valid 10 s before they are issued: for that long they are not valid here'],
      mends: [setClock],
    });
  }
  const svid = workload?.value?.svids[0];
  const far = svid !== undefined && ahead >= (svid.notAfter - svid.notBefore) / 2;
  return finding(
    far ? 'spire.reachable.clock.far-ahead' : 'spire.reachable.clock.ahead',
    `the clock here is at least ${span(ahead)} ahead`,
    {
      evidence: [...evidence, far ? 'SVIDs end here before they are renewed' : 'SVIDs end that much earlier here'],
      mends: [setClock],
    },
  );
}

function readClocks({ now, workload, serverPort, serverHealth, agentHealth, agentLog }: LiveEvidence): readonly Reading[] {
  const svid = workload?.value?.svids[0];
  return [
    ...ofDate('server', serverHealth?.ahead),
    ...ofDate('agent', agentHealth?.ahead),
    ...(serverPort?.notBefore === undefined || serverPort.notAfter === undefined
      ? []
      : [ofLife("the server's certificate", serverPort.notBefore, serverPort.notAfter, now)]),
    // One that has expired may be old; one that is not valid yet was made by a clock that is ahead of ours.
    ...(svid === undefined || now > svid.notAfter ? [] : [ofLife('our SVID', svid.notBefore, svid.notAfter, now)]),
    ...(agentLog?.newest === undefined || agentLog.newest <= now + BACKDATE
      ? []
      : [{ ahead: now - agentLog.newest, says: `the agent's log has a line from ${span(agentLog.newest - now)} in the future` }]),
  ];
}

function ofDate(whose: string, theirs: number | undefined): readonly Reading[] {
  if (theirs === undefined) return [];
  const ahead = Math.abs(theirs) <= UNSURE ? 0 : -theirs;
  const says = ahead === 0 ? 'agrees with' : `is ${span(Math.abs(ahead))} ${ahead > 0 ? 'ahead of' : 'behind'}`;
  return [{ ahead, says: `the clock here ${says} the date of the ${whose}'s health listener` }];
}

function ofLife(what: string, notBefore: number, notAfter: number, now: number): Reading {
  // Backdated, so the other clock was past `notBefore` by that much when it was made.
  if (now < notBefore)
    return { ahead: now - notBefore - BACKDATE, says: `${what} becomes valid in ${span(notBefore - now)} by the clock here` };
  if (now > notAfter) return { ahead: now - notAfter, says: `${what} ended ${span(now - notAfter)} ago by the clock here` };
  return { ahead: 0, says: `${what} is valid by the clock here` };
}
