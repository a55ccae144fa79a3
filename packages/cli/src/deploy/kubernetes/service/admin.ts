// Answers in; what who administers the cluster says about the service out: its namespace, who may deploy into it, and which pods get its identities.
import { noted, type YamlMapping } from '../../project/write-yaml.ts';
import type { ClusterAnswers } from '../answers.ts';
import { type Manifest, manifestFile, namespace, podSecurity } from '../manifest.ts';
import { CLASS_NAME } from '../places.ts';
import { ADMIN_LABEL, labelsOfAll, nameOf, selectorOf, type Workload, workloads } from './workloads.ts';

/** base/namespace.yaml */
export function namespaceFile(answers: ClusterAnswers): string {
  const labels = { ...labelsOfAll(answers), ...ADMIN_LABEL };
  return manifestFile('The namespace. Its pods are held to "restricted", which the CSI volume of the Workload API is allowed in.', [
    namespace(answers.service, labels, podSecurity('restricted')),
  ]);
}

/** base/identities.yaml */
export function identitiesFile(answers: ClusterAnswers): string {
  return manifestFile(
    "Who gets which identity. SPIRE's controller manager makes a registration entry for each pod that this is for. Whoever may write these gives identities away, so nobody but who administers the cluster does. className is that of the controller manager, which does not look at others. The label is not enough, since anybody can put it on a pod: the service account has to be the right one, too.",
    workloads.map((workload) => identity(answers, workload)),
  );
}

function identity(answers: ClusterAnswers, workload: Workload): Manifest {
  const name = nameOf(answers, workload);
  return {
    apiVersion: 'spire.spiffe.io/v1alpha1',
    kind: 'ClusterSPIFFEID',
    metadata: { name, labels: { ...selectorOf(answers, workload), ...labelsOfAll(answers), ...ADMIN_LABEL } },
    spec: {
      className: CLASS_NAME,
      spiffeIDTemplate: `spiffe://{{ .TrustDomain }}/${name}`,
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': answers.service } },
      podSelector: { matchLabels: selectorOf(answers, workload) },
      workloadSelectorTemplates: [`k8s:sa:${name}`],
    },
  };
}

/** base/deployers.yaml */
export function deployersFile(answers: ClusterAnswers): string {
  const name = `${answers.service}-deployers`;
  const metadata = { name, namespace: answers.service, labels: { ...labelsOfAll(answers), ...ADMIN_LABEL } };
  const verbs = ['get', 'list', 'watch', 'create', 'patch', 'update', 'delete'];
  const rule = (apiGroup: string, resources: readonly string[]): YamlMapping => ({ apiGroups: [apiGroup], resources, verbs });
  return manifestFile(
    `Who may deploy: members of the group "${name}", everything here but what has the label app.kubernetes.io/component: admin. They cannot loosen the namespace, and cannot give themselves an identity.`,
    [
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata,
        rules: [
          rule('', ['configmaps', 'serviceaccounts', 'services']),
          rule('apps', ['deployments']),
          rule('batch', ['cronjobs', 'jobs']),
          rule('autoscaling', ['horizontalpodautoscalers']),
          rule('policy', ['poddisruptionbudgets']),
          rule('networking.k8s.io', ['networkpolicies']),
          rule('monitoring.coreos.com', ['servicemonitors', 'prometheusrules']),
          rule('networking.istio.io', ['serviceentries']),
          rule('security.istio.io', ['authorizationpolicies', 'peerauthentications']),
          noted('To see what became of it.', {
            apiGroups: [''],
            resources: ['events', 'pods', 'pods/log'],
            verbs: ['get', 'list', 'watch'],
          }),
          { apiGroups: ['apps'], resources: ['replicasets'], verbs: ['get', 'list', 'watch'] },
        ],
      },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata,
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name }],
      },
    ],
  );
}
