// Answers of the authorizer as a metric, by the trust domain of the peer: only those that we have a bundle of are told apart.
import type { ChannelMessages } from 'ephemos';
import { type BoundedLabels, createBoundedLabels } from './bounded-labels.ts';
import { hear } from './channel.ts';
import type { MetricSet } from './metric-set.ts';
import { MAX_SHOWN_TRUST_DOMAINS, type MetricsSource, type SourceMetrics } from './metrics-source.ts';

/** Most reasons that are told apart. A policy has six. */
const MAX_REASONS = 20;
/** Most peers whose trust domain is remembered between two decisions. */
const MAX_REMEMBERED_PEERS = 1000;

const OTHER = 'other';
const SCHEME_LENGTH = 'spiffe://'.length;

interface Count {
  value: number;
}

// Of one trust domain: a count for each reason.
interface Answers {
  readonly allow: BoundedLabels<Count>;
  readonly deny: BoundedLabels<Count>;
}

/** Adds the metric of decisions. */
export function addDecisionMetrics(set: MetricSet): SourceMetrics {
  const samples: (readonly [Count, { readonly decision: string; readonly reason: string; readonly peer_trust_domain: string }])[] = [];
  // There is a decision for every request, and the text of a peer is one string as long as it is connected.
  const remembered = new Map<string, Answers>();
  let source: MetricsSource | undefined;

  const byTrustDomain = createBoundedLabels(MAX_SHOWN_TRUST_DOMAINS, OTHER, (trustDomain): Answers => {
    const counts = (decision: string): BoundedLabels<Count> =>
      createBoundedLabels(MAX_REASONS, OTHER, (reason) => {
        const count = { value: 0 };
        samples.push([count, { decision, reason, peer_trust_domain: trustDomain }]);
        return count;
      });
    return { allow: counts('allow'), deny: counts('deny') };
  });

  function find(peer: string): Answers {
    const slash = peer.indexOf('/', SCHEME_LENGTH);
    const id = slash === -1 ? peer : peer.slice(0, slash);
    const answers = hasBundle(source, id) ? byTrustDomain.admit(id.slice(SCHEME_LENGTH)) : byTrustDomain.other;
    if (remembered.size >= MAX_REMEMBERED_PEERS) remembered.clear();
    remembered.set(peer, answers);
    return answers;
  }

  function onDecision({ peer, allowed, reason }: ChannelMessages['decision']): void {
    const answers = remembered.get(peer) ?? find(peer);
    (allowed ? answers.allow : answers.deny).admit(reason).value += 1;
  }

  set.counter(
    {
      name: 'ephemos_authorization_decisions_total',
      help: 'Answers of the authorizer, about connections and about requests.',
      labels: ['decision', 'reason', 'peer_trust_domain'],
    },
    () => samples.map(([{ value }, labels]) => [value, labels] as const),
  );

  return {
    follow(next) {
      source = next;
      remembered.clear();
      return next.subscribe(() => remembered.clear());
    },
    close: hear('decision', onDecision),
  };
}

function hasBundle(source: MetricsSource | undefined, idString: string): boolean {
  try {
    return source?.bundles.getById(idString) !== undefined;
  } catch {
    // The source was closed.
    return false;
  }
}
