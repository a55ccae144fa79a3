// Files and digests in; the same files out with every image named by its digest that there is one for. The same in gives the same out.
import { type Edit, editText } from './edit-text.ts';
import { type Files, findImages, type ImageSite } from './find-images.ts';
import type { Kustomization } from './yaml-images.ts';
import { yamlImages } from './yaml-images.ts';

/** Digests by the reference of an image with its tag: `ghcr.io/spiffe/spire-server:1.15.2`. */
export type Pins = ReadonlyMap<string, string>;

/** @param update replaces digests that stand there too */
export function pinFiles(files: Files, pins: Pins, { update = false }: { readonly update?: boolean } = {}): Files {
  if (pins.size === 0) return files;
  const edits = new Map<string, Edit[]>();
  const entries = new Map<string, Map<string, ImageSite>>();
  for (const site of findImages(files)) {
    const { file, image, place } = site;
    const digest = pins.get(image.text);
    if (digest === undefined || digest === image.digest || (image.digest !== undefined && !update)) continue;
    if (place.as === 'entry') put(entries, place.kustomization, new Map()).set(image.name, site);
    else {
      const text = place.as === 'reference' ? `${image.text}@${digest}` : `${place.before}${digest}`;
      put(edits, file, []).push({ start: place.start, end: place.end, text });
    }
  }
  for (const [file, sites] of entries) {
    const read = yamlImages(file, files.get(file) ?? '');
    const end = read?.kind === 'kustomization' ? read.kustomization.end : undefined;
    if (end !== undefined) put(edits, file, []).push(newEntries(end, [...sites.values()], pins));
  }
  return new Map([...files].map(([file, text]) => [file, editText(text, edits.get(file) ?? [])]));
}

// The tag for whoever reads it; with a digest beside it, it decides nothing.
function newEntries({ offset, before, indent }: NonNullable<Kustomization['end']>, sites: readonly ImageSite[], pins: Pins): Edit {
  const lines = sites
    .toSorted((a, b) => (a.image.name < b.image.name ? -1 : 1))
    .flatMap(({ image: { name, tag, text } }) => [
      `${indent}- name: ${name}`,
      `${indent}  newTag: ${JSON.stringify(tag)}`,
      `${indent}  digest: ${pins.get(text) ?? ''}`,
    ]);
  const ending = before.endsWith('images:\n') ? '\n' : '';
  return { start: offset, end: offset, text: `${before}${lines.join('\n')}${ending}` };
}

function put<T>(map: Map<string, T>, key: string, made: T): T {
  const there = map.get(key);
  if (there !== undefined) return there;
  map.set(key, made);
  return made;
}
