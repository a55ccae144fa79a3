// The files of a deployment in; every image that they name out, with what has to be written where so that it is named by its digest.
import { posix } from 'node:path';
import { dockerfileImages, type FoundText } from './dockerfile-images.ts';
import { lineAt } from './edit-text.ts';
import { type ImageReference, parseImage } from './image-reference.ts';
import { type Kustomization, type YamlImages, yamlImages } from './yaml-images.ts';

/** What is written: the reference itself, the digest of an entry of `images:`, or an entry more in a kustomization. */
export type PinPlace =
  | { readonly as: 'reference'; readonly start: number; readonly end: number }
  | { readonly as: 'digest'; readonly start: number; readonly end: number; readonly before: string }
  | { readonly as: 'entry'; readonly kustomization: string };

/** An image that a file names. */
export interface ImageSite {
  readonly file: string;
  readonly line: number;
  readonly kind: 'compose' | 'dockerfile' | 'kustomization' | 'manifest';
  readonly image: ImageReference;
  readonly place: PinPlace;
}

/** Files by the names that they have below a directory, with "/" between. */
export type Files = ReadonlyMap<string, string>;

const DOCKERFILE = /(?:^|\/)(?:(?:Dockerfile|Containerfile)(?:\.(?!dockerignore$)[^/]+)?|[^/]+\.Dockerfile)$/;
const YAML = /(?:\.ya?ml|\/Kustomization)$/;

/** Whether a file of that name can name an image. */
export function canNameImages(file: string): boolean {
  return DOCKERFILE.test(file) || YAML.test(file);
}

/** Finds them, by file and line. What stands for something else, such as a variable, is no image. */
export function findImages(files: Files): readonly ImageSite[] {
  const found: ImageSite[] = [];
  const yaml = new Map<string, YamlImages>();
  for (const [file, text] of files) {
    if (DOCKERFILE.test(file)) found.push(...dockerfileImages(text).flatMap((each) => textSite('dockerfile', file, text, each)));
    else if (YAML.test(file)) {
      const read = yamlImages(file, text);
      if (read !== undefined) yaml.set(file, read);
      if (read?.kind === 'compose') found.push(...read.images.flatMap((each) => textSite('compose', file, text, each)));
    }
  }
  found.push(...kubernetesImages(files, yaml));
  return found.toSorted((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
}

function textSite(kind: ImageSite['kind'], file: string, text: string, { image: written, start, end }: FoundText): readonly ImageSite[] {
  const image = parseImage(written);
  return image === undefined ? [] : [{ file, line: lineAt(text, start), kind, image, place: { as: 'reference', start, end } }];
}

function kubernetesImages(files: Files, yaml: ReadonlyMap<string, YamlImages>): readonly ImageSite[] {
  const kustomizations = [...yaml].flatMap(([file, read]) => (read.kind === 'kustomization' ? [{ file, ...read.kustomization }] : []));
  const written = [...yaml].flatMap(([file, read]) => {
    if (read.kind !== 'manifest') return [];
    const owner = kustomizations.find((each) => membersOf(each).includes(file));
    return read.images.flatMap((each) =>
      textSite('manifest', file, files.get(file) ?? '', each).map((site) => ({ site, owner, isContainer: each.isContainer })),
    );
  });
  // An entry says what an image is; without a tag of its own, that of the manifests.
  const entries = kustomizations.flatMap((owner) =>
    owner.images.flatMap(({ name, newName = name, newTag, digest, start, slot }): readonly ImageSite[] => {
      const tags = new Set(written.filter(({ site }) => site.image.name === name).map(({ site }) => site.image.tag));
      const tag = newTag ?? (tags.size === 1 ? [...tags][0] : undefined);
      const image = tag === undefined ? undefined : parseImage(`${newName}:${tag}${digest === undefined ? '' : `@${digest}`}`);
      const { file } = owner;
      if (image === undefined) return [];
      return [{ file, line: lineAt(files.get(file) ?? '', start), kind: 'kustomization', image, place: { as: 'digest', ...slot } }];
    }),
  );
  const named = new Set(
    kustomizations.flatMap(({ images }) => images.filter((each) => each.newName !== undefined).map(({ name }) => name)),
  );
  const manifests = written.flatMap(({ site, owner, isContainer }): readonly ImageSite[] => {
    const { name, tag, digest } = site.image;
    // Such a name is there to be replaced.
    if (isContainer && (named.has(name) || owner?.images.some((each) => each.name === name))) return [];
    const others = written.filter((each) => each.owner === owner && each.site.image.name === name && each.site.image.tag !== tag);
    if (digest !== undefined || !isContainer || owner?.end === undefined || others.length > 0) return [site];
    return [{ ...site, place: { as: 'entry', kustomization: owner.file } }];
  });
  return [...entries, ...manifests];
}

function membersOf({ file, members }: Kustomization & { readonly file: string }): readonly string[] {
  return members.map((member) => posix.join(posix.dirname(file), member));
}
