// What the commands below `ephemos deploy ca` share: their flags, and how they tell what became of certificates.
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Context } from '../context.ts';
import type { CaReport } from '../deploy/ca/report.ts';
import { MAX_DURATION_MS, parseDuration } from '../input/duration.ts';
import { exitCodes } from '../output/exit-code.ts';
import { columns, createStyle, jsonText, printable, type Style } from '../output/text.ts';
import { type FormatOption, formatOption } from './options.ts';

const MAX_DAYS = 36_500;

/** Flags of the commands that write. */
export interface CaOptions extends FormatOption {
  readonly offline: string;
  readonly out: string;
  readonly dryRun?: boolean;
}

/** Adds them. */
export function withPlaces(command: Command, { offline, out }: { readonly offline: string; readonly out: string }): Command {
  return command
    .requiredOption('--offline <directory>', offline)
    .requiredOption('--out <directory>', out)
    .option('--dry-run', 'write nothing; end with 5 when something would be written')
    .addOption(formatOption('one document'));
}

/** A number of days. */
export function daysOption(flags: string, what: string, days: number): Option {
  return new Option(flags, what)
    .argParser((text) => {
      const number = Number(text);
      if (!/^\d+$/.test(text) || number < 1 || number > MAX_DAYS)
        throw new InvalidArgumentError(`Write a number of days, 1 to ${MAX_DAYS}.`);
      return number;
    })
    .default(days);
}

/** `--curve`. */
export function curveOption(): Option {
  return new Option('--curve <curve>', 'of the keys').choices(['P-256', 'P-384']).default('P-256');
}

/** `--ca-ttl`. */
export function caTtlOption(): Option {
  return new Option('--ca-ttl <duration>', 'ca_ttl in server.conf, which the upstream authority has to outlive')
    .argParser((text) => parseDuration(text, MAX_DURATION_MS))
    .default(168 * 3_600_000, '168h');
}

/** Prints what became of certificates. @returns the exit code */
export function tell(
  reports: readonly CaReport[],
  { format, dryRun = false }: Pick<CaOptions, 'format' | 'dryRun'>,
  { context, next }: { readonly context: Context; readonly next: readonly string[] },
): number {
  const written = reports.filter(({ state }) => state !== 'kept');
  const exitCode = dryRun && written.length > 0 ? exitCodes.differs : exitCodes.ok;
  const style = createStyle(context.color);
  const told = dryRun || written.length === 0 ? '' : `\n${style.bold('Next')}\n${next.map((line) => `  ${printable(line)}\n`).join('')}`;
  const text = `${columns(reports.map((report) => rowOf(report, style)))}\n${told}`;
  context.print(format === 'json' ? `${jsonText({ written: !dryRun, certificates: reports.map(reportJson), exitCode }, 2)}\n` : text);
  return exitCode;
}

/** `until 2027-11-24, renew from 2027-08-25` */
export function lifeText({ until, due, late }: Pick<CaReport, 'until' | 'due' | 'late'>, style: Style): string {
  const text = `until ${day(until)}, replace it from ${day(due)} on`;
  return late ? style.warn(`${text}: that is now`) : text;
}

function rowOf(report: CaReport, style: Style): readonly string[] {
  const { what, state, path } = report;
  return [state === 'kept' ? style.dim(state) : style.good(state), what, printable(path), lifeText(report, style)];
}

function reportJson({ what, state, path, until, due, late }: CaReport): object {
  return { what, state, path, until: until.toISOString(), due: due.toISOString(), late };
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
