// Whether this process gets an identity, and the one that is meant; else which entry would give it one, or why one does not.
import { isEphemosError } from 'ephemos/errors';
import type { X509Context } from 'ephemos/workload-api';
import { countEntries } from '../../../output/plan-report.ts';
import { type Finding, finding, found, mend, pass, type Rule, skip, type Verdict } from '../../check.ts';
import { entryMends, newEntryMends } from '../entry-mends.ts';
import type { LiveEvidence } from '../evidence.ts';
import type { Comparison } from '../match-entries.ts';
import { liveAgents, reachesAgent } from '../registration.ts';

/** The rule. */
export const identityRule: Rule<LiveEvidence> = {
  id: 'spire.reachable.identity',
  title: 'this process is given an identity',
  judge(evidence) {
    const { workload } = evidence;
    if (workload === undefined) return skip('there is no agent to ask');
    if (workload.error === undefined) return judgeIssued(workload.value, evidence);
    if (workload.error.code !== 'ERR_WORKLOAD_API_PERMISSION_DENIED') return skip('the agent did not say');
    return found(explain(evidence, workload.error.message));
  },
};

function judgeIssued({ svids }: X509Context, evidence: LiveEvidence): Verdict {
  const ids = svids.map(({ id }) => id.toString());
  const { id: wanted, from } = evidence.expected;
  if (wanted === undefined || ids.includes(wanted.toString())) return pass(ids.slice(0, 5).join(', '));
  const registration = evidence.registration?.failure === undefined ? evidence.registration : undefined;
  const near = [...(registration?.fitting ?? []), ...(registration?.nearest ?? [])].find(
    ({ entry }) => entry.spiffeId === wanted.toString(),
  );
  return found(
    finding('spire.reachable.identity.other-id', `the identity that is issued is not ${wanted}`, {
      evidence: [`${from} says ${wanted}`, `the agent gives ${ids.slice(0, 5).join(', ')}`, ...selectorLines(evidence), ...nearLines(near)],
      mends: near === undefined ? newEntryMends(evidence) : entryMends(near, evidence),
    }),
  );
}

function explain(evidence: LiveEvidence, said: string): Finding {
  const { endpoint, socket, registration, agentLog, now } = evidence;
  const facts = [said, ...selectorLines(evidence)];
  if (socket?.siblings.some((each) => each.endsWith('/control.sock')) === true && !isEphemosError(endpoint)) {
    return finding('spire.reachable.identity.none-issued', 'the development agent has no identity for this socket', {
      evidence: [said],
      mends: [mend('see which there are, and give one back', 'ephemos dev list', "ephemos dev restore '<SPIFFE ID>'")],
    });
  }
  if (registration === undefined || registration.failure !== undefined) {
    const why =
      registration === undefined ? 'the entries were not looked at: --server says where the server is' : registration.failure.message;
    return finding('spire.reachable.identity.none-issued', 'no identity is issued to this process', {
      evidence: [...facts, why],
      mends: newEntryMends(evidence),
    });
  }
  const counted = `${countEntries(registration.entries)} ${registration.entries === 1 ? 'was' : 'were'} looked at${registration.complete ? '' : ', and there are more'}`;
  const agents = liveAgents(registration, agentLog?.agentId, now);
  const reached = registration.fitting.find(({ entry }) => reachesAgent(entry.parentId, registration, agents));
  if (reached !== undefined) {
    return finding('spire.reachable.identity.not-arrived', 'an entry fits, and the agent does not give it out', {
      evidence: [
        ...facts,
        `entry ${reached.entry.entryId} grants ${reached.entry.spiffeId} to ${reached.entry.selectors.join(', ')} below ${reached.entry.parentId}`,
      ],
      mends: [
        mend(
          'the agent looks every 5 s, and cannot while spire.reachable.server fails: ask again, then restart it',
          'systemctl restart spire-agent',
        ),
      ],
    });
  }
  const [orphan] = registration.fitting;
  if (orphan !== undefined) {
    return finding('spire.reachable.identity.wrong-parent', 'the entry that fits belongs to another agent', {
      evidence: [
        ...facts,
        `entry ${orphan.entry.entryId} grants ${orphan.entry.spiffeId}, and its parent is ${orphan.entry.parentId}`,
        `agents that are there: ${
          agents.length === 0
            ? 'none'
            : agents
                .map(({ spiffeId }) => spiffeId)
                .slice(0, 5)
                .join(', ')
        }`,
      ],
      mends: entryMends(orphan, evidence),
    });
  }
  const [near, ...others] = registration.nearest;
  if (near === undefined) {
    return finding('spire.reachable.identity.no-entry', 'no registration entry comes near this process', {
      evidence: [
        ...facts,
        counted,
        ...(evidence.expected.id === undefined ? ['--id says which identity it should be: entries for it count as near'] : []),
      ],
      mends: newEntryMends(evidence),
    });
  }
  return finding('spire.reachable.identity.wrong-selector', 'the entry that comes nearest asks for another selector', {
    evidence: [...facts, ...nearLines(near), ...others.slice(0, 2).flatMap((each) => nearLines(each)), counted],
    mends: entryMends(near, evidence),
  });
}

function selectorLines({ caller, agentLog }: LiveEvidence): readonly string[] {
  const who = caller.account === undefined ? '' : `, as uid ${caller.account.uid}`;
  if (agentLog?.selectors !== undefined) return [`the agent saw of this process${who}: ${agentLog.selectors.join(', ')}`];
  return [
    `the unix attestor sees of this process${who}: ${caller.selectors.join(', ')}; with discover_workload_path = true also ${caller.pathSelector}`,
  ];
}

function nearLines(near: Comparison | undefined): readonly string[] {
  if (near === undefined) return [];
  const { entry, matched, different, conditional, unknown } = near;
  const asks = [
    ...different.map((each) => `${each}, which this process has not`),
    ...conditional.map((each) => `${each}, which the agent sees only with discover_workload_path = true in its unix attestor`),
    ...unknown.map((each) => `${each}, which only the agent can tell`),
  ];
  const fits = matched.length === 0 ? '' : `; ${matched.join(', ')} fits`;
  return [`entry ${entry.entryId} grants ${entry.spiffeId} to ${asks.join(', and ')}${fits}`];
}
