// Whether plugins are used that SPIRE is about to remove.
import { finding, mend, type Rule } from '../../check.ts';
import type { StaticEvidence } from '../../documents/document.ts';
import { createRule } from '../manifests/rule.ts';
import { lookAtConfs, placeIn, pluginsOf } from './confs.ts';

// doc/plugin_server_notifier_k8sbundle.md of SPIRE's main branch: "deprecated and will be removed".
const deprecated = [
  {
    type: 'Notifier',
    name: 'k8sbundle',
    how: 'publish the bundle with BundlePublisher "k8s_configmap": its role needs get, create and patch of the ConfigMap',
    lines: [
      'BundlePublisher "k8s_configmap" {',
      '  plugin_data {',
      '    clusters = { "<cluster>" = { namespace = "<namespace>", configmap_name = "<name>", configmap_key = "bundle.spiffe", format = "spiffe" } }',
      '  }',
      '}',
    ],
  },
] as const;

/** The rule. */
export const spireDeprecatedRule: Rule<StaticEvidence> = createRule({
  id: 'config.production.spire-deprecated',
  title: 'no plugin is one that SPIRE is about to remove',
  thing: 'SPIRE configuration',
  look: (documents) =>
    lookAtConfs(documents, undefined, (conf) =>
      deprecated.flatMap(({ type, name, how, lines }) =>
        pluginsOf(conf, type)
          .filter((each) => each.name === name)
          .map(({ key }) =>
            finding('config.production.spire-deprecated.plugin', `${type} ${name} is deprecated and will be removed`, {
              evidence: [],
              mends: [mend(how, ...lines)],
              place: placeIn(conf, key),
            }),
          ),
      ),
    ),
});
