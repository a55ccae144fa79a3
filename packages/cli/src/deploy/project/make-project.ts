// A target, answers and digests in; what they make out: the files of the target, with the digests in them.
import { findImages } from '../pin/find-images.ts';
import { type Pins, pinFiles } from '../pin/pin-files.ts';
import type { GivenAnswers, Made, Target } from './target.ts';

/**
 * Makes it. The same in gives the same out.
 * @param pins what registries said before; those of images that no file names any more are left out of what is made
 * @throws {EphemosError} ERR_CONFIG_INVALID for an answer that is none
 */
export function makeProject(target: Target, answers: GivenAnswers, pins: Pins): Made {
  const made = target.make(answers);
  if (pins.size === 0) return made;
  const named = new Set(findImages(made.files).map(({ image }) => image.text));
  const used = new Map([...pins].filter(([image]) => named.has(image)));
  return { ...made, pins: used, files: pinFiles(made.files, used) };
}
