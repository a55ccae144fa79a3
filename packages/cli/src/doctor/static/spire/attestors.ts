// Whether machines prove what they are in a way that is fit for production.
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import type { StaticEvidence } from '../../documents/document.ts';
import { createRule } from '../manifests/rule.ts';
import { type Conf, lookAtConfs, placeIn, pluginsOf, setting } from './confs.ts';

/** Whether a key that SPIRE does not read is an attestor that this rule tells of. */
export function isRemovedAttestor(key: string): boolean {
  return /^plugins\.NodeAttestor\.k8s_sat$/i.test(key);
}

/** The rule. */
export const attestorsRule: Rule<StaticEvidence> = createRule({
  id: 'node-attestation.production.attestor',
  title: 'machines prove what they are',
  thing: 'SPIRE configuration',
  look: (documents) => lookAtConfs(documents, undefined, (conf) => [...plugins(conf), ...joinToken(conf)]),
});

function* plugins(conf: Conf): Generator<Finding> {
  for (const { name, key } of pluginsOf(conf, 'NodeAttestor')) {
    if (name === 'k8s_sat') {
      yield finding('node-attestation.production.attestor.removed', 'NodeAttestor k8s_sat ended with SPIRE 1.12', {
        evidence: [`spire-${conf.program} does not start with it`],
        mends: [
          mend(
            'use k8s_psat, on both sides; the agent needs a projected token of the audience spire-server',
            'NodeAttestor "k8s_psat" { ... }',
          ),
        ],
        place: placeIn(conf, key),
      });
    }
    if (name === 'join_token') {
      yield finding('node-attestation.production.attestor.join-token', 'machines join with a token', {
        evidence: ['whoever has the token is the machine, and a machine that was away for too long needs a new one by hand'],
        mends: [mend('use what the machine has: x509pop, k8s_psat, tpm_devid, or the attestor of its cloud')],
        place: placeIn(conf, key),
      });
    }
  }
  if (conf.program !== 'server' || pluginsOf(conf, 'NodeAttestor').length > 0) return;
  yield finding('node-attestation.production.attestor.none', 'no machine can join: there is no NodeAttestor', {
    evidence: [],
    mends: [mend('add one', 'NodeAttestor "x509pop" { plugin_data { ca_bundle_path = "<file>" } }')],
    place: placeIn(conf),
  });
}

function* joinToken(conf: Conf): Generator<Finding> {
  const token = setting(conf, 'join_token');
  if (conf.program !== 'agent' || token === undefined) return;
  yield finding('node-attestation.production.attestor.join-token', 'a join token stands in the configuration', {
    evidence: ['it is used once: the next start with it fails'],
    mends: [mend('remove it, and use another NodeAttestor')],
    place: placeIn(conf, token.key),
  });
}
