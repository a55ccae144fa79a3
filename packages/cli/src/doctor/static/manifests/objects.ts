// Documents in, the objects of Kubernetes in them out.
import { type Document, documentsOf } from '../../documents/document.ts';
import type { YamlNode } from '../../documents/yaml-node.ts';
import { type Labels, labelsAt, textAt } from './values.ts';

/** An object. */
export interface KubernetesObject {
  readonly file: string;
  readonly node: YamlNode;
  readonly kind: string;
  /** The group of its API, without the version; empty for the core. */
  readonly group: string;
  readonly version: string;
  readonly name: string;
  /** Undefined where nothing says so: it may be any. */
  readonly namespace: string | undefined;
  readonly labels: Labels;
}

// Every rule asks for them again.
const known = new WeakMap<readonly Document[], readonly KubernetesObject[]>();

/** The objects; of some kinds, or all. */
export function objectsOf(documents: readonly Document[], ...kinds: readonly string[]): readonly KubernetesObject[] {
  const all = known.get(documents) ?? readObjects(documents);
  known.set(documents, all);
  return kinds.length === 0 ? all : all.filter(({ kind }) => kinds.includes(kind));
}

function readObjects(documents: readonly Document[]): readonly KubernetesObject[] {
  return documentsOf(documents, 'manifest').map(({ file, node, apiVersion, object, name, namespace }) => {
    const slash = apiVersion.indexOf('/');
    const [group, version] = slash === -1 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
    return { file, node, kind: object, group, version, name, namespace, labels: labelsAt(node, 'metadata', 'labels') ?? new Map() };
  });
}

/** What has a namespace, or might have one. */
export interface Placed {
  readonly namespace: string | undefined;
}

/** Whether two may be in one namespace. */
export function mayShareNamespace(a: Placed, b: Placed): boolean {
  return a.namespace === undefined || b.namespace === undefined || a.namespace === b.namespace;
}

/** The kinds that run pods. */
export const WORKLOAD_KINDS: readonly string[] = ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job', 'CronJob', 'Pod'];

/**
 * Whether there is more of a namespace than what runs in it. Then what is missing is missing; else it may well be in a file that was not given.
 */
export function isWhole(documents: readonly Document[], place: Placed): boolean {
  return objectsOf(documents).some(
    (each) => !WORKLOAD_KINDS.includes(each.kind) && each.kind !== 'Namespace' && mayShareNamespace(each, place),
  );
}

/** `kind name`, as people say it. */
export function titleOf({ kind, name }: Pick<KubernetesObject, 'kind' | 'name'>): string {
  return name === '' ? kind : `${kind} ${name}`;
}

/** Whether another object of this kind and name may be in the namespace. */
export function isThere(documents: readonly Document[], kind: string, name: string, place: Placed): boolean {
  return objectsOf(documents, kind).some((each) => each.name === name && mayShareNamespace(each, place));
}

/** The labels of a namespace, where it is among the documents. */
export function namespaceLabels(documents: readonly Document[], namespace: string | undefined): Labels | undefined {
  return objectsOf(documents, 'Namespace').find(({ name }) => name === namespace)?.labels;
}

/** The file and line of a node, or of what is nearest. */
export function placeOf(
  file: string,
  ...nodes: readonly (YamlNode | undefined)[]
): { readonly file: string; readonly line: number | undefined } {
  return { file, line: nodes.find((node) => node !== undefined)?.line };
}

/** The kind that another object refers to, such as `Deployment echo`. */
export function refersTo(node: YamlNode | undefined, target: KubernetesObject): boolean {
  return textAt(node, 'kind') === target.kind && textAt(node, 'name') === target.name;
}
