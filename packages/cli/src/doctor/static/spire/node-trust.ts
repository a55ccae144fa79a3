// Whether agents verify whom they talk to: their server from the first connection on, and the kubelet of their node.
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import type { StaticEvidence } from '../../documents/document.ts';
import { createRule } from '../manifests/rule.ts';
import { type Conf, isSetTo, lookAtConfs, placeIn, pluginsOf, setting } from './confs.ts';

/** The rule. */
export const nodeTrustRule: Rule<StaticEvidence> = createRule({
  id: 'node-attestation.production.verified',
  title: 'agents verify their server and their kubelet',
  thing: 'spire-agent configuration',
  look: (documents) => lookAtConfs(documents, 'agent', (conf) => [...server(conf), ...kubelet(conf)]),
});

function* server(conf: Conf): Generator<Finding> {
  const insecure = setting(conf, 'insecure_bootstrap');
  if (!isSetTo(insecure, true)) return;
  yield finding('node-attestation.production.verified.bootstrap', 'the agent believes whatever server it meets first', {
    evidence: ['insecure_bootstrap = true'],
    mends: [mend('bring the bundle of the server to the agent over a way that is trusted', 'trust_bundle_path = "<file>"')],
    place: placeIn(conf, insecure?.key),
  });
}

function* kubelet(conf: Conf): Generator<Finding> {
  for (const plugin of pluginsOf(conf, 'WorkloadAttestor').filter(({ name }) => name === 'k8s')) {
    const skipped = plugin.data('skip_kubelet_verification');
    if (isSetTo(skipped, true)) {
      yield finding('node-attestation.production.verified.kubelet', 'the kubelet is not verified', {
        evidence: ['skip_kubelet_verification = true: whoever answers in its place says which pod a process belongs to'],
        mends: [
          mend(
            'verify it: its serving certificate has to name the node (serverTLSBootstrap), and the container needs MY_NODE_NAME from spec.nodeName',
            'node_name_env = "MY_NODE_NAME"',
            'kubelet_ca_path = "/run/secrets/kubernetes.io/serviceaccount/ca.crt"',
          ),
        ],
        place: placeIn(conf, skipped?.key),
      });
    }
    const readOnly = plugin.data('kubelet_read_only_port');
    if (readOnly !== undefined) {
      yield finding('node-attestation.production.verified.read-only-port', 'the kubelet is asked over its read-only port, in plaintext', {
        evidence: ['kubelet_read_only_port'],
        mends: [mend('remove it: the secure port is the default')],
        place: placeIn(conf, readOnly.key),
      });
    }
  }
}
