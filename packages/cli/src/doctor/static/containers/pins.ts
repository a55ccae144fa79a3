// Whether a project names its images by what they are, and not by a tag that may be another image tomorrow.
import { basename, dirname, relative, sep } from 'node:path';
import { EphemosError } from 'ephemos/errors';
import { findImages } from '../../../deploy/pin/find-images.ts';
import { type DeployRecord, parseRecord, RECORD } from '../../../deploy/project/record.ts';
import { count } from '../../../output/text.ts';
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import type { Source, StaticEvidence } from '../../documents/document.ts';
import { conclude } from '../conclude.ts';

/** A project: the directory of a record. */
interface Project {
  readonly directory: string;
  readonly sources: readonly Source[];
}

/** The rule. It is about what "ephemos deploy init" made for somebody: samples, and files without a record, have nobody who would pin them. */
export const pinsRule: Rule<StaticEvidence> = {
  id: 'config.production.pins',
  title: 'images are named by their digest',
  judge({ sources }) {
    const projects = sources.flatMap((source): readonly Project[] => {
      if (basename(source.file) !== RECORD || recordIn(source)?.sample !== undefined) return [];
      const directory = dirname(source.file);
      return [{ directory, sources: sources.filter((each) => each.deployment === source.deployment) }];
    });
    const sites = projects.flatMap(imagesOf);
    return conclude(
      sites.flatMap((each) => [...pinFindings(each)]),
      {
        count: sites.length,
        passed: count(sites.length, 'image'),
        skipped: 'there is no project of "ephemos deploy init" with images of a registry',
      },
    );
  },
};

function recordIn({ file, text }: Source): DeployRecord | undefined {
  try {
    return parseRecord(text, file);
  } catch (error) {
    if (error instanceof EphemosError) return undefined;
    throw error;
  }
}

interface Site {
  readonly file: string;
  readonly line: number;
  readonly directory: string;
  readonly image: string;
  readonly digest: string | undefined;
}

function imagesOf({ directory, sources }: Project): readonly Site[] {
  const named = new Map(sources.map((each) => [relative(directory, each.file).split(sep).join('/'), each]));
  return findImages(new Map([...named].map(([name, { text }]) => [name, text]))).flatMap(({ file, line, image }) =>
    image.registry === undefined ? [] : [{ file: named.get(file)?.file ?? file, line, directory, image: image.text, digest: image.digest }],
  );
}

function* pinFindings({ file, line, directory, image, digest }: Site): Generator<Finding> {
  if (digest !== undefined) return;
  yield finding('config.production.pins.tag', `${image} is named by its tag`, {
    evidence: ['whoever may write to the registry may put another image there'],
    mends: [mend('ask the registry what it is now, and name that', `ephemos deploy pin ${directory}`)],
    place: { file, line },
  });
}
