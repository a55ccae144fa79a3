// The kustomizations of a deployment in; which files are patches, and which namespace a folder's objects get, out.
import { dirname, join } from 'node:path';
import type { YamlNode } from './yaml-node.ts';

/** A kustomization. */
export interface Kustomization {
  readonly file: string;
  readonly node: YamlNode;
}

/** The files that kustomizations name as patches. A patch is no whole object, so it is not judged as one. */
export function patchFiles(kustomizations: readonly Kustomization[]): ReadonlySet<string> {
  return new Set(
    kustomizations.flatMap(({ file, node }) => {
      const named = [
        ...textsAt(node, 'patches', 'path'),
        ...textsAt(node, 'patchesJson6902', 'path'),
        ...textsAt(node, 'replacements', 'path'),
        ...textsAt(node, 'patchesStrategicMerge'),
        ...textsAt(node, 'transformers'),
        ...textsAt(node, 'configurations'),
      ];
      // A patch may stand in the kustomization itself.
      return named.filter((each) => !each.includes('\n')).map((each) => join(dirname(file), each));
    }),
  );
}

/** The namespace that a kustomization gives each file that it names as a resource. */
export function namespaces(kustomizations: readonly Kustomization[]): ReadonlyMap<string, string> {
  return new Map(
    kustomizations.flatMap(({ file, node }) => {
      const namespace = node.get('namespace')?.text();
      return namespace === undefined
        ? []
        : textsAt(node, 'resources').map((resource): readonly [string, string] => [join(dirname(file), resource), namespace]);
    }),
  );
}

function textsAt(node: YamlNode, list: string, key?: string): readonly string[] {
  const items = node.get(list)?.items() ?? [];
  return items.map((each) => (key === undefined ? each : each.get(key))?.text()).filter((text) => text !== undefined);
}
