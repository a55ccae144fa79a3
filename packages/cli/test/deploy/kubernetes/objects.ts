// Rendered files in; the objects of Kubernetes in them out, and what stands at a path in one.
import { parseAllDocuments } from 'yaml';
import { kubernetesTarget } from '../../../src/deploy/kubernetes/target.ts';

/** The answers of deploy/kubernetes. */
export const sample = { service: 'echo', domain: 'prod.acme.com', image: 'registry.acme.com/echo:0.1.0' } as const;

/** Its files. */
export const files: ReadonlyMap<string, string> = kubernetesTarget.make(sample).files;

/** An object and the file that it stands in. */
export interface Placed {
  readonly file: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly value: unknown;
}

/** Every object of files that are no kustomization, no patch and no configuration. */
export function objectsOf(rendered: ReadonlyMap<string, string>): readonly Placed[] {
  return [...rendered].flatMap(([file, text]) =>
    /\.yaml$/.test(file) && !/kustomization\.yaml$|^helm\/|\/config\/|spire\/spire\.yaml$|controller-manager\.yaml$/.test(file)
      ? parseAllDocuments(text).map((document): Placed => {
          const value: unknown = document.toJS();
          return { file, kind: textAt(value, 'kind'), name: textAt(value, 'metadata', 'name'), namespace: optionalAt(value), value };
        })
      : [],
  );
}

const all = objectsOf(files).filter(({ file }) => !/^components\/[^/]+\/(server|client|namespace)\.yaml$|^overlays\//.test(file));

/** All of a kind, patches left out. */
export function ofKind(kind: string): readonly Placed[] {
  return all.filter((each) => each.kind === kind);
}

/** The one of that kind and name. */
export function only(kind: string, name: string): unknown {
  const found = ofKind(kind).filter((each) => each.name === name);
  if (found.length !== 1) throw new Error(`${found.length} objects ${kind} ${name}`);
  return found[0]?.value;
}

/** What stands at a path; undefined where there is nothing. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((each, key) => {
    if (typeof each !== 'object' || each === null) return undefined;
    return Object.getOwnPropertyDescriptor(each, key)?.value;
  }, value);
}

/** A list at a path, or an empty one. */
export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** A text at a path. */
export function textAt(value: unknown, ...path: readonly (string | number)[]): string {
  const found = at(value, ...path);
  if (typeof found !== 'string') throw new Error(`no text at ${path.join('.')}`);
  return found;
}

/** A pod, as the template of what runs it. */
export interface Pod {
  readonly owner: Placed;
  readonly labels: unknown;
  readonly spec: unknown;
}

/** The pods of everything that runs some. */
export function pods(): readonly Pod[] {
  return all.flatMap((owner) => {
    const template =
      owner.kind === 'CronJob' ? at(owner.value, 'spec', 'jobTemplate', 'spec', 'template') : at(owner.value, 'spec', 'template');
    return template === undefined ? [] : [{ owner, labels: at(template, 'metadata', 'labels'), spec: at(template, 'spec') }];
  });
}

/** Whether labels hold everything that a selector asks for. */
export function isSelected(labels: unknown, selector: unknown): boolean {
  return typeof selector === 'object' && selector !== null && Object.entries(selector).every(([key, value]) => at(labels, key) === value);
}

function optionalAt(value: unknown): string | undefined {
  const found = at(value, 'metadata', 'namespace');
  return typeof found === 'string' ? found : undefined;
}
