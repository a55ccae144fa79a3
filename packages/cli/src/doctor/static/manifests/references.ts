// Whether what a pod names is there, where everything that belongs to it was given.
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import type { Document, StaticEvidence } from '../../documents/document.ts';
import type { YamlNode } from '../../documents/yaml-node.ts';
import { isGenerated } from './configs.ts';
import { isThere, isWhole, objectsOf, placeOf } from './objects.ts';
import { type Pod, podsOf } from './pods.ts';
import { createRule, lookAt } from './rule.ts';
import { isTrue, itemsAt, textAt } from './values.ts';

interface Reference {
  readonly kind: string;
  readonly name: string;
  readonly at: YamlNode;
}

function* referencesOf({ spec }: Pod): Generator<Reference> {
  const account = spec.get('serviceAccountName');
  if (account !== undefined && account.text() !== 'default') yield { kind: 'ServiceAccount', name: account.text() ?? '', at: account };
  for (const volume of itemsAt(spec, 'volumes')) {
    yield* named(volume.get('configMap'), 'ConfigMap', 'name');
    yield* named(volume.get('secret'), 'Secret', 'secretName');
    yield* named(volume.get('persistentVolumeClaim'), 'PersistentVolumeClaim', 'claimName');
    for (const source of itemsAt(volume, 'projected', 'sources')) {
      yield* named(source.get('configMap'), 'ConfigMap', 'name');
      yield* named(source.get('secret'), 'Secret', 'name');
    }
  }
  for (const container of [...itemsAt(spec, 'containers'), ...itemsAt(spec, 'initContainers')]) {
    for (const variable of itemsAt(container, 'env')) {
      yield* named(variable.get('valueFrom', 'configMapKeyRef'), 'ConfigMap', 'name');
      yield* named(variable.get('valueFrom', 'secretKeyRef'), 'Secret', 'name');
    }
  }
}

function* named(node: YamlNode | undefined, kind: string, key: string): Generator<Reference> {
  const at = node?.get(key);
  if (at !== undefined && !isTrue(node, 'optional')) yield { kind, name: at.text() ?? '', at };
}

function* missingFrom(pod: Pod, documents: readonly Document[]): Generator<Finding> {
  const seen = new Set<string>();
  for (const { kind, name, at } of referencesOf(pod)) {
    const key = `${kind} ${name}`;
    // A secret belongs in no file, so its absence says nothing.
    if (kind === 'Secret' || seen.has(key) || isThere(documents, kind, name, pod)) continue;
    seen.add(key);
    if (kind === 'ConfigMap' && (isGenerated(documents, kind, name) || isPublished(name, documents) || name === 'kube-root-ca.crt'))
      continue;
    yield finding('config.production.references.missing', `${pod.title} names the ${key}, which is not here`, {
      evidence: ['the other objects of its namespace are: without this one its pods do not start'],
      mends: [mend(`add the ${key}, or give the file that has it`)],
      place: placeOf(pod.file, at),
    });
  }
}

// SPIRE's server writes its bundle into a ConfigMap of this name itself.
function isPublished(name: string, documents: readonly Document[]): boolean {
  return documents.some((each) => each.kind === 'spire-conf' && each.text.includes(`"${name}"`));
}

/** What pods name. */
export const referencesRule: Rule<StaticEvidence> = createRule({
  id: 'config.production.references',
  title: 'what pods name is there',
  thing: 'workload with its namespace',
  things: 'workloads with their namespaces',
  look: (documents) =>
    lookAt(
      podsOf(documents).filter((pod) => isWhole(documents, pod)),
      (pod) => missingFrom(pod, documents),
    ),
});

/** Whether an account of a namespace has rights over the cluster. */
function isBound(
  documents: readonly Document[],
  { namespace, name }: { readonly namespace: string | undefined; readonly name: string },
): boolean {
  return objectsOf(documents, 'ClusterRoleBinding', 'RoleBinding').some(({ node }) =>
    itemsAt(node, 'subjects').some(
      (subject) =>
        textAt(subject, 'kind') === 'ServiceAccount' &&
        textAt(subject, 'name') === name &&
        (namespace === undefined || textAt(subject, 'namespace') === undefined || textAt(subject, 'namespace') === namespace),
    ),
  );
}

/** Whether SPIRE may ask the API server what it has to. */
export const rightsRule: Rule<StaticEvidence> = createRule({
  id: 'node-attestation.production.rights',
  title: 'SPIRE may ask Kubernetes about nodes and pods',
  thing: 'SPIRE server with its namespace',
  things: 'SPIRE servers with their namespaces',
  look: (documents) =>
    lookAt(
      podsOf(documents).filter((pod) => pod.roles.has('spire-server') && isWhole(documents, pod)),
      function* (pod) {
        const account = pod.spec.get('serviceAccountName');
        const name = account?.text() ?? 'default';
        if (isBound(documents, { namespace: pod.namespace, name })) return;
        yield finding('node-attestation.production.rights.none', `${pod.title} may not review the tokens of agents`, {
          evidence: [
            `no ClusterRoleBinding names its service account ${name}: k8s_psat needs to create tokenreviews, and to get pods and nodes`,
          ],
          mends: [
            mend(
              'give it a ClusterRole with no more than this',
              '- { apiGroups: [authentication.k8s.io], resources: [tokenreviews], verbs: [create] }',
              '- { apiGroups: [""], resources: [pods, nodes], verbs: [get] }',
            ),
          ],
          place: placeOf(pod.file, account, pod.spec),
        });
      },
    ),
});
