// Whether the agent itself is attested: SPIRE opens the Workload API only then, so an agent that answers is.
import { moment } from '../../../output/time.ts';
import { type Finding, finding, found, type Mend, mend, pass, type Rule, skip } from '../../check.ts';
import { shellCommand, shellWord } from '../../shell.ts';
import type { Trouble, TroubleKind } from '../agent-log.ts';
import { isServing, type LiveEvidence } from '../evidence.ts';
import { newToken, setClock, socketWords, startAgent } from '../mends.ts';

/** The rule. */
export const attestedRule: Rule<LiveEvidence> = {
  id: 'spire.reachable.attested',
  title: 'the agent is attested',
  judge(evidence) {
    const { agentHealth, agentLog } = evidence;
    const listed = ofServersList(evidence);
    if (isServing(evidence)) {
      if (listed !== undefined) return found(listed);
      return silentHealth(evidence) ?? pass('it serves the Workload API, which it does not before');
    }
    const trouble = agentLog?.trouble;
    if (trouble !== undefined && trouble.kind !== 'server-unreachable') return found(ofLog(trouble, evidence));
    if (listed !== undefined) return found(listed);
    if (agentHealth?.status !== undefined && agentHealth.status !== 200) return found(notReady(agentHealth, evidence));
    if (trouble !== undefined) return skip('the agent cannot reach its server yet: see spire.reachable.server');
    const silent = silentHealth(evidence);
    if (silent !== undefined) return silent;
    if (agentHealth?.status === 200) return pass(`${agentHealth.url} says that it is ready`);
    if (agentLog?.attested === true) return pass(`its log says so: ${agentLog.agentId ?? 'no ID'}`);
    return skip('the agent does not answer: --agent-log or --spire-agent-health may tell why');
  },
};

function silentHealth({ agentHealth }: LiveEvidence): ReturnType<typeof found> | undefined {
  if (agentHealth?.failure === undefined) return undefined;
  return found(
    finding('spire.reachable.attested.health-silent', `the health listener at ${agentHealth.url} does not answer`, {
      evidence: [agentHealth.failure, 'an agent that is not attested opens it 8 s after its start, and not before'],
      mends: [
        mend(
          'turn it on in agent.conf, and give its address',
          'health_checks { listener_enabled = true bind_address = "127.0.0.1" bind_port = "8080" }',
        ),
      ],
    }),
  );
}

function notReady({ url, status, body }: NonNullable<LiveEvidence['agentHealth']>, evidence: LiveEvidence): Finding {
  const lines = evidence.agentLog?.trouble?.text;
  return finding('spire.reachable.attested.not-ready', 'the agent runs and is not ready', {
    evidence: [`${url} answers ${status}: ${body.trim().slice(0, 200)}`, ...(lines === undefined ? [] : [lines])],
    mends: [mend('its log says what it waits for: give doctor its log', "ephemos doctor --live --agent-log '<file>'")],
  });
}

function ofServersList({ registration, agentLog, now, serverName }: LiveEvidence): Finding | undefined {
  if (registration === undefined || registration.failure !== undefined) return undefined;
  // Which one is ours, its log says; one alone needs no telling.
  const [one, ...more] = registration.agents;
  const agent =
    agentLog?.agentId === undefined
      ? more.length === 0
        ? one
        : undefined
      : registration.agents.find(({ spiffeId }) => spiffeId === agentLog.agentId);
  if (agent === undefined) return undefined;
  const evict = shellCommand(['spire-server', 'agent', 'evict', ...socketWords({ serverName }), '-spiffeID', agent.spiffeId]);
  if (agent.banned) {
    return finding('spire.reachable.attested.refused', 'the agent is banned', {
      evidence: [`the server lists ${agent.spiffeId} as banned`],
      mends: [mend('if it may come back: evict it, which lifts the ban, and let it attest again', evict), newToken({ serverName })],
    });
  }
  if (agent.expiresAt > now) return undefined;
  return finding('spire.reachable.attested.expired', "the agent's own SVID has expired", {
    evidence: [`the server lists ${agent.spiffeId} as expired since ${moment(agent.expiresAt)}`],
    mends: agent.attestationType === 'join_token' ? [newToken({ serverName })] : [startAgent],
  });
}

type Told = Exclude<TroubleKind, 'server-unreachable'>;

const IDS: Readonly<Record<Told, readonly [id: Finding['id'], what: string]>> = {
  'bundle-missing': ['spire.reachable.attested.bundle-missing', 'the agent has no trust bundle to verify its server with'],
  'bundle-wrong': ['spire.reachable.attested.bundle-wrong', 'the trust bundle of the agent is not that of its server'],
  clock: ['spire.reachable.attested.clock', "the agent's clock is outside the life of its server's certificate"],
  expired: ['spire.reachable.attested.expired', "the agent's own SVID has expired"],
  failed: ['spire.reachable.attested.failed', 'the agent fails to attest, or crashed'],
  refused: ['spire.reachable.attested.refused', 'the server does not admit the agent: it is banned or evicted'],
  'token-expired': ['spire.reachable.attested.token-expired', 'the join token had expired when the agent used it'],
  'token-missing': ['spire.reachable.attested.token-missing', 'the agent has to attest and was given no join token'],
  'token-used': ['spire.reachable.attested.token-used', 'the server does not know the join token: it was used before, or has expired'],
  'trust-domain': ['spire.reachable.attested.trust-domain', 'agent and server have different trust domains'],
};

function ofLog({ kind, text }: Trouble, evidence: LiveEvidence): Finding {
  const [id, what] = IDS[kind === 'server-unreachable' ? 'failed' : kind];
  const { agentLog } = evidence;
  const file = agentLog === undefined ? '' : `${agentLog.file}: `;
  const stopped = agentLog?.crashed === true ? ['the agent has ended: it gives up after a minute'] : [];
  return finding(id, what, { evidence: [`${file}${text}`, ...stopped], mends: mendsOf(kind, text, evidence) });
}

function mendsOf(kind: TroubleKind, text: string, evidence: LiveEvidence): readonly Mend[] {
  switch (kind) {
    case 'bundle-missing':
    case 'bundle-wrong': {
      const [, path = '<trust_bundle_path>'] = /open ([^:]+):/.exec(text) ?? [];
      const show = shellCommand(['spire-server', 'bundle', 'show', ...socketWords(evidence)]);
      return [mend('take the bundle from the server, in a way that nobody can change it on', `${show} > ${shellWord(path)}`), startAgent];
    }
    case 'clock':
      return [setClock];
    case 'expired':
    case 'refused':
      return [
        mend('an agent that attests by x509pop or k8s_psat needs a restart only', 'systemctl restart spire-agent'),
        newToken(evidence),
      ];
    case 'token-expired':
    case 'token-missing':
    case 'token-used':
      return [newToken(evidence)];
    case 'trust-domain': {
      const [, server = '<trust domain of the server>'] = /trust domain: \W*"([a-z0-9._-]+)/.exec(text) ?? [];
      return [mend('give the agent that of its server, in agent.conf, and the bundle of that server', `trust_domain = "${server}"`)];
    }
    default:
      return [mend('its log says more', `tail -n 50 ${shellWord(evidence.agentLog?.file ?? '<log>')}`), startAgent];
  }
}
