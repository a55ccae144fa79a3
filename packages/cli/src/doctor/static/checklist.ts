// The production checklist as far as files can tell: its thirteen items, each with the rules whose ids start with its own.
import type { Item, Rule } from '../check.ts';
import type { StaticEvidence } from '../documents/document.ts';
import { manifestRules } from './manifests/rules.ts';
import { configurationRules } from './rules.ts';

const items = {
  'spire.reachable': 'SPIRE is operational, and workloads reach it',
  'trust-domain.production': 'the trust domain is one of production, the same everywhere',
  'ca.hierarchy': 'authorities are signed by one above them, and their keys outlive a restart',
  'node-attestation.production': 'only the machines that are meant can join, and agents know their server',
  'network.policy': 'only who has to can reach a port',
  'observability.wired': 'metrics, logs and alerts are there, and fit together',
  'backup.configured': 'what the SPIRE server keeps outlives its machine',
  'config.production': 'nothing for tests or debugging is left, and every setting is read',
  'authz.default-deny': 'who may call what is said, and everybody else is refused',
  'resources.set': 'every container has its share, and no more',
  'health.probes': 'probes ask what they can ask',
  'shutdown.graceful': 'a process that ends has the time to end',
  'secrets.none': 'no secret stands in a file',
} as const;

const rules: readonly Rule<StaticEvidence>[] = [...configurationRules, ...manifestRules];

/** What is checked of the files of a deployment. */
export const staticChecklist: readonly Item<StaticEvidence>[] = Object.entries(items).map(([id, title]) => ({
  id,
  title,
  rules: rules.filter((rule) => rule.id.startsWith(`${id}.`)),
}));
