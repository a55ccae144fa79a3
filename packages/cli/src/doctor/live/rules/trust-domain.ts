// Whether everything that names a trust domain names the same one: the configuration, the SVID, the server, the agent.
import { finding, found, mend, pass, type Rule, skip } from '../../check.ts';
import type { LiveEvidence } from '../evidence.ts';

/** The rule. */
export const trustDomainRule: Rule<LiveEvidence> = {
  id: 'trust-domain.production.agrees',
  title: 'configuration, SVID, agent and server name the same trust domain',
  judge(evidence) {
    const named = namesOf(evidence);
    const names = [...new Set(named.map(({ name }) => name))];
    const [first] = named;
    if (first === undefined) return skip('nothing names one yet');
    const says = named.map(({ who, name }) => `${who} ${name}`);
    if (names.length > 1) {
      const right = evidence.workload?.value?.svids[0]?.id.trustDomain.name ?? named.find(({ isServer }) => isServer)?.name ?? first.name;
      return found(
        finding('trust-domain.production.agrees.differ', `not all name the same trust domain: ${names.join(', ')}`, {
          evidence: says,
          mends: [
            mend(
              'if the server is the right one: in agent.conf, and in service.domain of the configuration',
              `trust_domain = "${right}"`,
              `domain: ${right}`,
            ),
            mend('if not: this is the socket of another agent', 'echo "$SPIFFE_ENDPOINT_SOCKET"'),
          ],
        }),
      );
    }
    if (named.length === 1) return skip(`only one names it (${says.join('')}): give --trust-domain or --config`);
    return pass(`${first.name}: ${named.map(({ who }) => who.replace(/ says$/, '')).join(', ')}`);
  },
};

interface Named {
  readonly who: string;
  readonly name: string;
  readonly isServer: boolean;
}

function namesOf({ expected, workload, serverPort, registration, agentLog }: LiveEvidence): readonly Named[] {
  const svid = workload?.value?.svids[0];
  const served = registration?.failure === undefined ? registration?.trustDomain : undefined;
  const all: readonly (readonly [who: string, name: string | undefined, isServer: boolean])[] = [
    [`${expected.from} says`, expected.trustDomain?.name, false],
    ['the SVID says', svid?.id.trustDomain.name, false],
    ["the agent's log says", agentLog?.trustDomain, false],
    ["the server's certificate says", serverPort?.id?.trustDomain.name, true],
    ['the API of the server says', served, true],
  ];
  return all.flatMap(([who, name, isServer]) => (name === undefined ? [] : [{ who, name, isServer }]));
}
