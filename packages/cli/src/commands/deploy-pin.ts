// ephemos deploy pin: files that name images by tag in; files that name them by the digests that their registries have for them now out.
import { Command, Option } from 'commander';
import { CommandError } from '../command-error.ts';
import type { Context } from '../context.ts';
import { shortDigest } from '../deploy/pin/image-reference.ts';
import type { PinnedImage, PinPlan } from '../deploy/pin/pin-project.ts';
import { MAX_WAIT_MS, parseDuration } from '../input/duration.ts';
import { exitCodes } from '../output/exit-code.ts';
import { columns, count, createStyle, jsonText, printable, type Style } from '../output/text.ts';
import { describe, type FormatOption, formatOption } from './options.ts';

interface PinOptions extends FormatOption {
  readonly check?: boolean;
  readonly update?: boolean;
  readonly dryRun?: boolean;
  readonly timeout: number;
}

/** Makes the command. */
export function createDeployPin(context: Context): Command {
  const command = new Command('pin')
    .description('ask the registries what the tags of images stand for, and name the images by those digests')
    .argument('<directory>', 'what "ephemos deploy init" made, or any with a compose.yaml, manifests, kustomizations or a Dockerfile')
    .addOption(
      new Option('--check', 'ask nobody and write nothing; end with 5 when an image is named by its tag alone').conflicts([
        'update',
        'dryRun',
      ]),
    )
    .option('--update', 'ask for images that are pinned too: a tag may stand for another one by now')
    .option('--dry-run', 'write nothing; end with 5 when something would be written')
    .addOption(
      new Option('--timeout <duration>', 'how long one answer of a registry may take')
        .argParser((text) => parseDuration(text, MAX_WAIT_MS))
        .default(20_000, '20s'),
    )
    .addOption(formatOption('one document'))
    .action(async (directory: string, options: PinOptions) => context.finish(await pin(directory, options, context)));
  return describe(command, {
    examples: [
      'ephemos deploy pin deploy/kubernetes',
      'ephemos deploy pin deploy/compose --check',
      'ephemos deploy pin . --update --dry-run',
    ],
    exits: {
      0: 'every image of a registry is named by its digest',
      1: 'a registry cannot be asked, or has no such image; nothing was written',
      3: 'no image there, a record that is none, a configuration of Docker that is none',
      4: 'a registry does not let us read an image; nothing was written',
      5: 'with --check: an image is not pinned; with --dry-run: something would be written',
    },
  });
}

interface PinReport {
  readonly images: readonly PinnedImage[];
  readonly files: readonly string[];
  readonly unread: readonly string[];
  readonly written: boolean;
}

async function pin(directory: string, options: PinOptions, context: Context): Promise<number> {
  const { check = false, update = false, dryRun = false, format } = options;
  const { planPins } = await import('../deploy/pin/pin-project.ts');
  const plan = planPins(directory, { update });
  const { images, files } = check ? { images: plan.images, files: [] } : await plan.write(await askAll(plan, options, context), { dryRun });
  const differs = check ? images.some(({ state }) => state === 'unpinned') : dryRun && files.length > 0;
  const exitCode = differs ? exitCodes.differs : exitCodes.ok;
  const report = { images, files, unread: plan.unread, written: !check && !dryRun && files.length > 0 };
  context.print(
    format === 'json' ? `${jsonText(reportJson(report, exitCode), 2)}\n` : reportText(report, { dryRun }, createStyle(context.color)),
  );
  return exitCode;
}

/** Registries are asked for this many images at a time. */
const LANES = 4;

// All or none: what is written then is of one moment.
async function askAll({ asked }: PinPlan, { timeout }: PinOptions, { env }: Context): Promise<ReadonlyMap<string, string>> {
  const [{ fetchDigest }, { readCredentials }] = await Promise.all([
    import('../deploy/pin/registry.ts'),
    import('../deploy/pin/registry-credentials.ts'),
  ]);
  const credentialsOf = readCredentials(env);
  const digests = new Map<string, string>();
  const errors: unknown[] = [];
  const left = [...asked];
  const lane = async (): Promise<void> => {
    for (let image = left.shift(); image !== undefined; image = left.shift()) {
      try {
        digests.set(image.text, await fetchDigest(image, { timeout, credentialsOf }));
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  if (errors.length > 0) throw joined(errors);
  return digests;
}

function joined(errors: readonly unknown[]): unknown {
  const [first] = errors;
  if (!(first instanceof CommandError)) return first;
  const messages = new Set(errors.map((each) => (each instanceof Error ? each.message : String(each))));
  return new CommandError(first.code, [...messages].join('; '), {
    exitCode: first.exitCode,
    cause: first,
    ...(first.hint === undefined ? {} : { hint: first.hint }),
  });
}

function reportText({ images, files, unread, written }: PinReport, { dryRun }: { readonly dryRun: boolean }, style: Style): string {
  const marks = {
    new: style.good('new'),
    pinned: style.dim('pinned'),
    unpinned: style.warn('by tag'),
    local: style.warn('local'),
  };
  const rows = images.map(({ image, state, digest, places }) => [
    marks[state],
    printable(image),
    digest === undefined ? '' : shortDigest(digest),
    style.dim(printable(placesText(places, state))),
  ]);
  const remarks = unread.map((file) => `${style.warn('not read')}  ${printable(file)}\n`);
  const verb = dryRun ? 'would be written' : 'written';
  const end =
    files.length > 0 && (written || dryRun) ? `\n${count(files.length, 'file')} ${verb}: ${files.map(printable).join(', ')}\n` : '';
  return `${columns(rows)}\n${remarks.join('')}${end}`;
}

function placesText(places: PinnedImage['places'], state: PinnedImage['state']): string {
  const [first] = places;
  if (first === undefined) return '';
  const more = places.length > 1 ? ` and ${places.length - 1} more` : '';
  const why = state === 'local' ? ': names no registry, so it is one that was built here' : '';
  return `${first.file}:${first.line}${more}${why}`;
}

function reportJson({ images, files, unread, written }: PinReport, exitCode: number): object {
  return { written, images: images.map(({ digest, ...each }) => ({ ...each, digest: digest ?? null })), files, unread, exitCode };
}
