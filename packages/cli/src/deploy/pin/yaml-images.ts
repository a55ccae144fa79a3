// A YAML file of a deployment in; what it is and the images that it names out, each with its offsets: Compose, Kubernetes manifests, kustomizations.
import { type Document, isAlias, isMap, isScalar, isSeq, type Pair, parseAllDocuments, visit, type YAMLMap } from 'yaml';
import type { FoundText } from './dockerfile-images.ts';

/** An entry of `images:`. */
export interface KustomizeImage {
  readonly name: string;
  readonly newName: string | undefined;
  readonly newTag: string | undefined;
  readonly digest: string | undefined;
  /** Where it starts. */
  readonly start: number;
  /** What a digest replaces: that from one offset to the other, with what has to stand before it. */
  readonly slot: { readonly start: number; readonly end: number; readonly before: string };
}

/** A kustomization. */
export interface Kustomization {
  readonly images: readonly KustomizeImage[];
  /** Files and folders that it takes, as it names them. */
  readonly members: readonly string[];
  /** Where an entry can be added and how far in; undefined where `images` is written in a way that nothing can be added to. */
  readonly end: { readonly offset: number; readonly before: string; readonly indent: string } | undefined;
}

/** An image of a manifest; kustomize knows only those of containers. */
export interface ManifestImage extends FoundText {
  readonly isContainer: boolean;
}

/** What was found in a file. */
export type YamlImages =
  | { readonly kind: 'compose'; readonly images: readonly FoundText[] }
  | { readonly kind: 'manifest'; readonly images: readonly ManifestImage[] }
  | { readonly kind: 'kustomization'; readonly kustomization: Kustomization };

const KUSTOMIZE = 'kustomize.config.k8s.io/';
const CONTAINERS: ReadonlySet<unknown> = new Set(['containers', 'initContainers', 'ephemeralContainers']);

/** Reads it; undefined when it is none of these, or no YAML. */
export function yamlImages(file: string, text: string): YamlImages | undefined {
  const documents = parseAllDocuments(text, { logLevel: 'silent', uniqueKeys: false });
  if (!Array.isArray(documents) || documents.some(({ errors }) => errors.length > 0)) return undefined;
  const [first] = documents;
  const root = first?.contents;
  if (first !== undefined && isMap(root)) {
    const isManifest = root.has('kind') && root.has('apiVersion');
    if (isKustomization(file, root)) return { kind: 'kustomization', kustomization: readKustomization(root, text) };
    const services = root.get('services');
    if (!isManifest && isMap(services))
      return { kind: 'compose', images: services.items.flatMap((pair) => composeImage(pair, first, text)) };
  }
  const images = documents.flatMap((document) => manifestImages(document, text));
  return documents.some(({ contents }) => isMap(contents) && contents.has('kind') && contents.has('apiVersion'))
    ? { kind: 'manifest', images }
    : undefined;
}

function isKustomization(file: string, root: YAMLMap): boolean {
  const version = root.get('apiVersion');
  return (typeof version === 'string' && version.startsWith(KUSTOMIZE)) || /(?:^|\/)(?:kustomization\.ya?ml|Kustomization)$/.test(file);
}

// An image beside `build` is the name of what is built.
function composeImage({ value }: Pair, document: Document, text: string): readonly FoundText[] {
  if (!isMap(value) || value.has('build')) return [];
  const found = located(value.get('image', true), document, text);
  if (found === undefined) return [];
  const [, before, inner] = /^(\$\{[A-Za-z_]\w*:?-)([^${}]+)\}$/.exec(found.image) ?? [];
  if (before === undefined || inner === undefined) return [found];
  const start = found.start + before.length;
  return [{ image: inner, start, end: start + inner.length }];
}

function manifestImages(document: Document, text: string): readonly ManifestImage[] {
  const found = new Map<number, ManifestImage>();
  const add = (node: unknown, isContainer: boolean): void => {
    const each = located(node, document, text);
    if (each !== undefined) found.set(each.start, { ...each, isContainer });
  };
  const root = document.contents;
  if (!isMap(root) || !root.has('kind')) return [];
  visit(document, {
    Pair(_, { key, value }) {
      const name = isScalar(key) ? key.value : undefined;
      if (CONTAINERS.has(name) && isSeq(value)) for (const item of value.items) if (isMap(item)) add(item.get('image', true), true);
    },
  });
  // The instances of a database of CloudNativePG, which are no containers of a pod that anybody wrote.
  if (String(root.get('apiVersion')).startsWith('postgresql.cnpg.io/')) add(root.getIn(['spec', 'imageName'], true), false);
  return [...found.values()];
}

// The text of a scalar, also by way of an alias, as long as it stands there as it is.
function located(node: unknown, document: Document, text: string): FoundText | undefined {
  const scalar = isAlias(node) ? node.resolve(document) : node;
  if (!isScalar(scalar) || typeof scalar.value !== 'string' || !scalar.range) return undefined;
  const [from, to] = scalar.range;
  const at = text.slice(from, to).indexOf(scalar.value);
  return at === -1 || scalar.value === '' ? undefined : { image: scalar.value, start: from + at, end: from + at + scalar.value.length };
}

function readKustomization(root: YAMLMap, text: string): Kustomization {
  const images = root.get('images', true);
  const entries = isSeq(images) ? images.items.flatMap((item) => (isMap(item) ? kustomizeImage(item, text) : [])) : [];
  const members = ['resources', 'patches', 'patchesStrategicMerge', 'components', 'bases'].flatMap((key) => {
    const list = root.get(key, true);
    return isSeq(list) ? list.items.flatMap((item) => textOf(isMap(item) ? item.get('path', true) : item) ?? []) : [];
  });
  return { images: entries, members, end: endOf(root, images, text) };
}

function kustomizeImage(item: YAMLMap, text: string): readonly KustomizeImage[] {
  const [name, newName, newTag, digest] = ['name', 'newName', 'newTag', 'digest'].map((key) => textOf(item.get(key, true)));
  const old = item.get('digest', true);
  const last = item.items.map(({ value }) => value).findLast((value) => isScalar(value));
  const key = item.items[0]?.key;
  if (name === undefined || !isScalar(key) || !key.range || !isScalar(last) || !last.range) return [];
  const start = key.range[0];
  const before = item.flow === true ? ', digest: ' : `\n${' '.repeat(columnOf(text, start))}digest: `;
  const slot =
    isScalar(old) && old.range
      ? { start: old.range[0], end: old.range[1], before: '' }
      : { start: last.range[1], end: last.range[1], before };
  return [{ name, newName, newTag, digest, start, slot }];
}

function endOf(root: YAMLMap, images: unknown, text: string): Kustomization['end'] {
  const newline = text.endsWith('\n') || text === '' ? '' : '\n';
  if (images === undefined) return root.flow === true ? undefined : { offset: text.length, before: `${newline}images:\n`, indent: '  ' };
  const last = isSeq(images) && images.flow !== true ? images.items.at(-1) : undefined;
  const key = isMap(last) && last.flow !== true ? last.items[0]?.key : undefined;
  const value = isMap(last) ? last.items.at(-1)?.value : undefined;
  if (!isScalar(key) || !key.range || !isScalar(value) || !value.range) return undefined;
  return { offset: value.range[1], before: '\n', indent: ' '.repeat(Math.max(0, columnOf(text, key.range[0]) - 2)) };
}

function textOf(node: unknown): string | undefined {
  if (!isScalar(node)) return undefined;
  // What YAML takes for a number is a tag all the same, as it is written.
  return typeof node.value === 'string' ? node.value : node.source;
}

function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf('\n', offset - 1) + 1);
}
