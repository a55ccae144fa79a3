// Objects of Kubernetes in, files of them out. Each begins with a comment that says what it is.
import { commentLines, noted, writeYaml, type YamlMapping, type YamlValue } from '../project/write-yaml.ts';
import { MONITORING_NAMESPACE, POD_SECURITY_VERSION } from './places.ts';

/** An object. */
export interface Manifest extends YamlMapping {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: YamlMapping;
}

/** Labels of an object, or of the pods that a selector is for. */
export type Labels = Readonly<Record<string, string>>;

/** The text of a file of objects. */
export function manifestFile(comment: string, objects: readonly Manifest[]): string {
  return `${commentLines(comment).join('\n')}\n${objects.map((each) => writeYaml(each)).join('---\n')}`;
}

/** The text of a kustomization. */
export function kustomizationFile(comment: string, fields: YamlMapping): string {
  return kustomization(comment, { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' }, fields);
}

/** The text of a component, which a kustomization adds to what it has. */
export function componentFile(comment: string, fields: YamlMapping): string {
  return kustomization(comment, { apiVersion: 'kustomize.config.k8s.io/v1alpha1', kind: 'Component' }, fields);
}

function kustomization(comment: string, head: YamlMapping, fields: YamlMapping): string {
  return `${commentLines(comment).join('\n')}\n${writeYaml({ ...head, ...fields })}`;
}

/** A namespace whose pods are held to a level of pod security. */
export function namespace(name: string, labels: YamlMapping, security: YamlMapping): Manifest {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { ...labels, ...security } } };
}

/** The labels of pod security: refused, noted in the audit log, and said to whoever applies it. */
export function podSecurity(level: 'restricted' | 'privileged', why?: string): YamlMapping {
  const levelOf = (mode: string): YamlValue => (why !== undefined && mode === 'enforce' ? noted(why, level) : level);
  return Object.fromEntries(
    ['enforce', 'audit', 'warn'].flatMap((mode) => [
      [`pod-security.kubernetes.io/${mode}`, levelOf(mode)] as const,
      [`pod-security.kubernetes.io/${mode}-version`, POD_SECURITY_VERSION] as const,
    ]),
  );
}

/** A service account whose token no pod gets unasked. */
export function serviceAccount(name: string, namespaceName: string, labels: YamlMapping): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace: namespaceName, labels },
    automountServiceAccountToken: false,
  };
}

/** What every container of a restricted namespace has. */
export const restrictedContainer: YamlMapping = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};

/** What every pod of a restricted namespace has. */
export function restrictedPod(user: number): YamlMapping {
  return { runAsNonRoot: true, runAsUser: user, runAsGroup: user, seccompProfile: { type: 'RuntimeDefault' } };
}

/** A PodDisruptionBudget: one at a time, and never so that a pod that is broken anyway keeps a node from being drained. */
export function disruptionBudget(
  name: string,
  namespaceName: string,
  { labels, selector }: { labels: YamlMapping; selector: Labels },
): Manifest {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name, namespace: namespaceName, labels },
    spec: { maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow', selector: { matchLabels: selector } },
  };
}

/** Whom a policy lets in or out: pods with these labels in a namespace, both in one element, so that both have to hold. */
export function podsIn(namespaceName: string, labels: Labels): YamlMapping {
  return {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespaceName } },
    podSelector: { matchLabels: labels },
  };
}

/** The pods of Prometheus, as prometheus-operator labels them. */
export const prometheus: YamlMapping = podsIn(MONITORING_NAMESPACE, { 'app.kubernetes.io/name': 'prometheus' });

/** Ports of a policy. */
export function tcp(...numbers: readonly number[]): readonly YamlMapping[] {
  return numbers.map((port) => ({ protocol: 'TCP', port }));
}
