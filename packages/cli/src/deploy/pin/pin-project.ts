// A directory in; which images its files name by tag and which by digest out, and with what registries say, files that name them all by digest.
import { lstatSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { EphemosError } from 'ephemos/errors';
import { readFiles } from '../../doctor/documents/files.ts';
import { makeProject } from '../project/make-project.ts';
import { type DeployRecord, digestOf, parseRecord, RECORD, recordText } from '../project/record.ts';
import { findTarget } from '../project/targets.ts';
import { replaceFile, textOf } from '../project/write-project.ts';
import { canNameImages, type Files, findImages, type ImageSite } from './find-images.ts';
import { type Pins, pinFiles } from './pin-files.ts';

/** An image of a deployment. */
export interface PinnedImage {
  /** With its tag: `ghcr.io/spiffe/spire-server:1.15.2`. */
  readonly image: string;
  /** `unpinned`: named by its tag. `pinned`: by its digest already. `new`: by its digest now. `local`: no registry is named, so nobody can be asked. */
  readonly state: 'unpinned' | 'pinned' | 'new' | 'local';
  readonly digest: string | undefined;
  readonly places: readonly { readonly file: string; readonly line: number }[];
}

/** What is to be pinned, and what is there. */
export interface PinPlan {
  /** Those that a registry has to be asked for. */
  readonly asked: readonly ImageSite['image'][];
  readonly images: readonly PinnedImage[];
  /** Files that cannot be read. */
  readonly unread: readonly string[];
  /** Writes the digests. @returns what became of the images, and which files are changed, or with `dryRun` would be */
  write(
    digests: Pins,
    options: { readonly dryRun: boolean },
  ): Promise<{ readonly images: readonly PinnedImage[]; readonly files: readonly string[] }>;
}

/**
 * Reads a directory, with its record where it has one.
 * @param update ask for what is pinned again
 * @throws {EphemosError} ERR_CONFIG_INVALID when there is no image in it, or its record is none
 */
export function planPins(directory: string, { update }: { readonly update: boolean }): PinPlan {
  const { sources, unreadable } = readFiles([directory], () => '');
  const nameOf = (path: string): string => relative(directory, path).split(sep).join('/');
  // What a link leads to is not of this deployment.
  const own = sources.filter(({ file }) => canNameImages(file) && lstatSync(file).isFile());
  const files = new Map(own.map(({ file, text }) => [nameOf(file), text]));
  const sites = findImages(files);
  if (sites.length === 0) {
    throw new EphemosError('ERR_CONFIG_INVALID', `${directory} holds no file that names an image`, {
      hint: 'a compose.yaml, manifests of Kubernetes or a Dockerfile do',
    });
  }
  const asked = new Map(
    sites.flatMap(({ image }) =>
      image.registry !== undefined && (update || image.digest === undefined) ? [[image.text, image] as const] : [],
    ),
  );
  return {
    asked: [...asked.values()],
    images: imagesOf(sites),
    unread: unreadable.map(({ file }) => nameOf(file)).filter(canNameImages),
    async write(digests, { dryRun }) {
      const written = await rewritten(directory, { files, digests: allPins(sites, digests), update });
      if (!dryRun) for (const [name, text] of written) replaceFile(directory, name, text, lstatSync(join(directory, name)).mode & 0o777);
      return { images: imagesOf(sites, digests), files: [...written.keys()] };
    },
  };
}

function imagesOf(sites: readonly ImageSite[], digests: Pins = new Map()): readonly PinnedImage[] {
  const found = new Map<string, ImageSite[]>();
  for (const site of sites) found.set(site.image.text, [...(found.get(site.image.text) ?? []), site]);
  return [...found].map(([image, all]) => {
    const open = all.find((site) => site.image.digest === undefined);
    const before = all.find((site) => site.image.digest !== undefined)?.image.digest;
    const now = digests.get(image);
    const digest = now ?? before;
    const state =
      all[0]?.image.registry === undefined && open !== undefined
        ? 'local'
        : now !== undefined && (open !== undefined || now !== before)
          ? 'new'
          : open === undefined
            ? 'pinned'
            : 'unpinned';
    return {
      image,
      state,
      digest: state === 'unpinned' || state === 'local' ? undefined : digest,
      places: all.map(({ file, line }) => ({ file, line })),
    };
  });
}

// What stands in a file was read once, too.
function allPins(sites: readonly ImageSite[], digests: Pins): Pins {
  const there = sites.flatMap(({ image: { text, digest } }) => (digest === undefined ? [] : [[text, digest] as const]));
  return new Map([...there.toReversed(), ...digests]);
}

async function rewritten(
  directory: string,
  { files, digests, update }: { readonly files: Files; readonly digests: Pins; readonly update: boolean },
): Promise<Files> {
  const edited = new Map(pinFiles(files, digests, { update }));
  const text = textOf(join(directory, RECORD));
  if (text !== undefined) {
    const record = parseRecord(text, join(directory, RECORD));
    const { before, after, pins } = await rendered(record, digests);
    const digest = (name: string, recorded: string): string => {
      const there = files.get(name);
      const [old, made] = [before.get(name), after.get(name)];
      // As we rendered it: it is what we would render now, to the letter.
      if (there !== undefined && there === old && made !== undefined) edited.set(name, made);
      if (there !== undefined && digestOf(there) === recorded) return digestOf(edited.get(name) ?? there);
      return old !== undefined && made !== undefined && digestOf(old) === recorded ? digestOf(made) : recorded;
    };
    const recorded = new Map([...record.files].map(([name, each]) => [name, digest(name, each)]));
    edited.set(RECORD, recordText({ ...record, pins, files: recorded }));
  }
  return new Map([...edited].filter(([name, each]) => each !== (name === RECORD ? text : files.get(name))));
}

async function rendered(
  { target, answers, pins }: DeployRecord,
  digests: Pins,
): Promise<{ readonly before: Files; readonly after: Files; readonly pins: Pins }> {
  const made = await findTarget(target);
  const { files: before } = makeProject(made, answers, pins);
  const { files: after, pins: used = new Map() } = makeProject(made, answers, new Map([...pins, ...digests]));
  return { before, after, pins: used };
}
