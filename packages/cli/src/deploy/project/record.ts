// What was rendered, as ephemos-deploy.json beside it: the answers, so that nobody has to give them again, and what each file was, so that a change by
// hand is known from a change of ours.
import { createHash } from 'node:crypto';
import { EphemosError } from 'ephemos/errors';
import { z } from 'zod';
import { jsonText } from '../../output/text.ts';
import { type Made, type TargetName, targetNames } from './target.ts';

/** The name of the file. */
export const RECORD = 'ephemos-deploy.json';
/** A record is at most this many bytes. */
export const MAX_RECORD_BYTES: number = 64 * 1024;

/** What a directory was made from. */
export interface DeployRecord {
  readonly target: TargetName;
  /** Made to be read, not to be run: its images are not asked to be pinned. */
  readonly sample?: true | undefined;
  readonly answers: Readonly<Record<string, string>>;
  /** What registries said that images are, by their reference with its tag: rendered with them, so that nobody has to ask again. */
  readonly pins: ReadonlyMap<string, string>;
  /** SHA-256 of each file as it was rendered, by its name. */
  readonly files: ReadonlyMap<string, string>;
}

// Nothing outside of the directory: what is named here is read, and shown.
const NAME = /^(?!\/)(?!.*(?:^|\/)\.\.?(?:\/|$))[^\\\p{Cc}]{1,400}$/u;

const schema = z.strictObject({
  target: z.enum(targetNames),
  sample: z.literal(true).optional(),
  answers: z.record(z.string(), z.string()),
  pins: z.record(z.string(), z.string().regex(/^sha256:[0-9a-f]{64}$/)).default({}),
  files: z.record(z.string().regex(NAME), z.string().regex(/^[0-9a-f]{64}$/)),
});

/** The record of what was made. */
export function recordOf(target: TargetName, { answers, files, pins = new Map() }: Pick<Made, 'answers' | 'files' | 'pins'>): DeployRecord {
  return { target, answers, pins, files: new Map([...files].map(([name, text]) => [name, digestOf(text)])) };
}

/** Its text. */
export function recordText({ target, sample, answers, pins, files }: DeployRecord): string {
  const pinned = pins.size === 0 ? {} : { pins: Object.fromEntries([...pins].toSorted(([a], [b]) => (a < b ? -1 : 1))) };
  return `${jsonText({ target, ...(sample === undefined ? {} : { sample }), answers, ...pinned, files: Object.fromEntries(files) }, 2)}\n`;
}

/**
 * Reads a record. Its answers are checked by whoever makes something of them.
 * @param path as it is named in the error
 * @throws {EphemosError} ERR_CONFIG_INVALID
 */
export function parseRecord(text: string, path: string): DeployRecord {
  const { success, data } = schema.safeParse(text.length > MAX_RECORD_BYTES ? undefined : jsonOf(text));
  if (!success) {
    throw new EphemosError('ERR_CONFIG_INVALID', `${path} is not a record of "ephemos deploy init"`, {
      hint: 'bring back the one that was written, or name another directory',
    });
  }
  return { ...data, pins: new Map(Object.entries(data.pins)), files: new Map(Object.entries(data.files)) };
}

/** SHA-256, in hexadecimal. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
