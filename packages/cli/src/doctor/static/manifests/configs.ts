// A pod in, the configuration of its service out: from the ConfigMap that is mounted, or the files that one is generated from.
import { dirname, join } from 'node:path';
import { type Document, documentsOf, type ServiceConfigDocument } from '../../documents/document.ts';
import { mayShareNamespace, objectsOf } from './objects.ts';
import { type Container, mountAt, mountsOf, type Pod, variableOf } from './pods.ts';
import { itemsAt, textAt, textsAt } from './values.ts';

const DEFAULT_PATH = '/etc/ephemos/config.yaml';

/** The configuration of a service, where it is among the documents and can be told to be its own. */
export function serviceConfigOf(documents: readonly Document[], pod: Pod, container: Container): ServiceConfigDocument | undefined {
  const path = variableOf(container, 'EPHEMOS_CONFIG_PATH')?.value ?? DEFAULT_PATH;
  const volume = mountAt(mountsOf(container, pod), path)?.volume;
  const name =
    textAt(volume, 'configMap', 'name') ??
    itemsAt(volume, 'projected', 'sources').flatMap((each) => textAt(each, 'configMap', 'name') ?? [])[0];
  if (name === undefined) return undefined;
  const configs = documentsOf(documents, 'service-config');
  const [map] = objectsOf(documents, 'ConfigMap').filter((each) => each.name === name && mayShareNamespace(each, pod));
  if (map !== undefined) {
    const texts =
      map.node
        .get('data')
        ?.entries()
        .map(([, value]) => value) ?? [];
    const isIn = (line: number): boolean =>
      texts.some((each) => line >= each.textLine() && line < each.textLine() + (each.text() ?? '').split('\n').length);
    return configs.find((each) => each.file === map.file && isIn(each.node.line));
  }
  const files = generatedFrom(documents, name);
  return configs.find((each) => files.has(each.file));
}

// The files that a kustomization makes a ConfigMap of.
function generatedFrom(documents: readonly Document[], name: string): ReadonlySet<string> {
  return new Set(
    documentsOf(documents, 'kustomization').flatMap(({ file, node }) =>
      itemsAt(node, 'configMapGenerator')
        .filter((each) => textAt(each, 'name') === name)
        .flatMap((each) => textsAt(each, 'files'))
        .map((each) => join(dirname(file), each.slice(each.indexOf('=') + 1))),
    ),
  );
}

/** Whether a ConfigMap or Secret is made by a kustomization. */
export function isGenerated(documents: readonly Document[], kind: 'ConfigMap' | 'Secret', name: string): boolean {
  const key = kind === 'ConfigMap' ? 'configMapGenerator' : 'secretGenerator';
  return documentsOf(documents, 'kustomization').some(({ node }) => itemsAt(node, key).some((each) => textAt(each, 'name') === name));
}
