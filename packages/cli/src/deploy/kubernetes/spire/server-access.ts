// What SPIRE's servers, and the controller manager beside each, may ask of the API server.
import { noted, type YamlValue } from '../../project/write-yaml.ts';
import { type Manifest, manifestFile } from '../manifest.ts';
import { AGENT_NAMESPACE, names, SERVER_NAMESPACE } from '../places.ts';
import { labelsOf } from './labels.ts';

const account = [{ kind: 'ServiceAccount', name: names.server, namespace: SERVER_NAMESPACE }];

/** spire/server-access.yaml */
export function serverAccessFile(): string {
  return manifestFile("What SPIRE's servers may ask of the API server, and nothing more.", [
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: names.server, namespace: SERVER_NAMESPACE, labels: labelsOf('server') },
      automountServiceAccountToken: false,
    },
    ...pair('Cluster', names.server, undefined, [
      noted('k8s_psat: whose token an agent shows, and on which node its pod is.', {
        apiGroups: ['authentication.k8s.io'],
        resources: ['tokenreviews'],
        verbs: ['create'],
      }),
      { apiGroups: [''], resources: ['pods', 'nodes'], verbs: ['get'] },
    ]),
    ...pair('', names.bundle, AGENT_NAMESPACE, [
      noted('k8s_configmap: what agents know the servers by.', {
        apiGroups: [''],
        resources: ['configmaps'],
        resourceNames: [names.bundle],
        verbs: ['get', 'create', 'patch'],
      }),
    ]),
    ...pair('Cluster', names.manager, undefined, [
      noted('Which pods there are, and on which node. It makes entries of them, and changes none.', {
        apiGroups: [''],
        resources: ['namespaces', 'nodes', 'pods', 'endpoints'],
        verbs: ['get', 'list', 'watch'],
      }),
      {
        apiGroups: ['spire.spiffe.io'],
        resources: ['clusterspiffeids', 'clusterstaticentries', 'clusterfederatedtrustdomains'],
        verbs: ['get', 'list', 'watch'],
      },
      {
        apiGroups: ['spire.spiffe.io'],
        resources: ['clusterspiffeids/status', 'clusterstaticentries/status', 'clusterfederatedtrustdomains/status'],
        verbs: ['get', 'patch', 'update'],
      },
    ]),
    ...pair('', names.manager, SERVER_NAMESPACE, [
      noted('One of the controller managers leads.', { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] }),
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], resourceNames: [names.lease], verbs: ['get', 'patch', 'update'] },
      { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
    ]),
  ]);
}

// A role and its binding to the account of the servers.
function pair(scope: 'Cluster' | '', name: string, namespace: string | undefined, rules: readonly YamlValue[]): readonly Manifest[] {
  const metadata = { name, namespace, labels: labelsOf('server') };
  return [
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: `${scope}Role`, metadata, rules },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: `${scope}RoleBinding`,
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: `${scope}Role`, name },
      subjects: account,
    },
  ];
}
