// ephemos top: a running service as its probes and metrics show it, again and again until Ctrl-C.
import { setTimeout } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Context } from '../context.ts';
import { type Address, parseAddress } from '../input/address.ts';
import { parseDuration } from '../input/duration.ts';
import { exitCodes } from '../output/exit-code.ts';
import { createStyle, isUnicode, jsonText } from '../output/text.ts';
import { readServiceAddresses } from '../service-addresses.ts';
import { createHistory } from '../top/history.ts';
import { observe, type Targets } from '../top/observe.ts';
import { pageOf } from '../top/page.ts';
import { openDrawing } from '../top/screen.ts';
import { documentOf, lineOf } from '../top/summary.ts';
import type { View } from '../top/view.ts';
import { describe, type FormatOption, formatOption } from './options.ts';

interface TopOptions extends FormatOption {
  readonly health?: Address;
  readonly metrics?: Address;
  readonly config?: string;
  readonly interval: number;
  readonly once?: boolean;
}

const MIN_INTERVAL_MS = 100;
const MAX_INTERVAL_MS = 3_600_000;
// Of a page that goes where no terminal is.
const PLAIN_COLUMNS = 100;

/** Makes the command. */
export function createTop(context: Context): Command {
  const command = new Command('top')
    .description('show how a running service does, from its probes and its metrics, until Ctrl-C')
    .addOption(new Option('--health <host:port>', 'where its probes are answered').argParser(parseAddress))
    .addOption(new Option('--metrics <host:port>', 'where its metrics are scraped').argParser(parseAddress))
    .option('--config <file>', 'read the addresses that are not given from this configuration (default, when none is: that of the service)')
    .addOption(new Option('--interval <duration>', 'time between two looks').argParser(parseInterval).default(1_000, '1s'))
    .option('--once', 'look once, print it and end')
    .addOption(formatOption('one line per look'))
    .action(async (options: TopOptions) => context.finish(await top(options, context)));
  return describe(command, {
    examples: [
      'ephemos top --config ./config.yaml',
      'ephemos top --health 127.0.0.1:9080 --metrics 127.0.0.1:9090',
      'ephemos top --once --format json',
    ],
    exits: {
      0: 'ended by Ctrl-C or SIGTERM; with --once: everything answered',
      1: 'with --once: something did not answer',
      3: 'config: the file that says where to look',
      4: 'not used: no identity is needed',
    },
  });
}

async function top(options: TopOptions, context: Context): Promise<number> {
  const targets = await targetsOf(options, context);
  const signal = context.untilStopped();
  const history = createHistory();
  let view: View = { targets, observation: undefined, paces: undefined, lastSeen: undefined };
  await using output = openOutput(options, context);
  output.show(view);
  while (!signal.aborted) {
    const began = performance.now();
    const observation = await observe(targets, signal);
    if (signal.aborted) break;
    const lastSeen = observation.reading === undefined ? view.lastSeen : observation.time;
    view = { targets, observation, paces: history.add(observation), lastSeen };
    output.show(view);
    if (options.once === true) return answered(view) ? exitCodes.ok : exitCodes.failed;
    await pause(began + options.interval - performance.now(), signal);
  }
  return exitCodes.ok;
}

interface Output extends AsyncDisposable {
  show(view: View): void;
}

function openOutput({ once, format, interval }: TopOptions, context: Context): Output {
  const { screen, color, width, print, env } = context;
  const style = createStyle(color);
  const unicode = isUnicode(env);
  const nothing = { [Symbol.asyncDispose]: async () => undefined };
  const printed = (text: (view: View) => string): Output => ({
    ...nothing,
    show(view) {
      if (view.observation !== undefined) print(`${text(view)}\n`);
    },
  });
  if (format === 'json') return printed((view) => jsonText(documentOf(view)));
  if (once === true) return printed((view) => pageOf(view, { style, unicode, columns: width ?? PLAIN_COLUMNS }).join('\n'));
  if (screen === undefined) return printed((view) => lineOf(view, style));
  const drawing = openDrawing(screen, context);
  const footer = style.dim(`every ${interval / 1_000} s, rates and p95 over the last 10 s; Ctrl-C ends`);
  return {
    show: (view) => drawing.draw(({ columns }) => ({ lines: pageOf(view, { style, unicode, columns }), footer })),
    [Symbol.asyncDispose]: async () => drawing.close(),
  };
}

async function targetsOf({ health, metrics, config }: TopOptions, context: Context): Promise<Targets> {
  // Somebody who names one port and no file wants that one.
  if ((health !== undefined || metrics !== undefined) && config === undefined) return { health, metrics, metricsPath: '/metrics' };
  const configured = await readServiceAddresses(config, '--health and --metrics', context);
  return { health: health ?? configured.health, metrics: metrics ?? configured.metrics, metricsPath: configured.metricsPath };
}

function answered({ targets, observation }: View): boolean {
  return (
    (targets.health === undefined || observation?.probe?.reachable === true) &&
    (targets.metrics === undefined || observation?.reading !== undefined)
  );
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // Being stopped is no failure.
  await setTimeout(Math.max(0, ms), undefined, { signal }).catch(() => undefined);
}

function parseInterval(text: string): number {
  const ms = parseDuration(text, MAX_INTERVAL_MS);
  if (ms < MIN_INTERVAL_MS) throw new InvalidArgumentError(`It is at least ${MIN_INTERVAL_MS}ms.`);
  return ms;
}
