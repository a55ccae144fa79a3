// ephemos watch: a line for every change of the identities and bundles of this process, until it is stopped.
import { Command } from 'commander';
import type { EphemosError } from 'ephemos/errors';
import type { X509Bundle } from 'ephemos/spiffe';
import type { Context } from '../context.ts';
import { reportOf } from '../output/error.ts';
import { type EventLine, eventLine } from '../output/event-line.ts';
import { exitCodeOf, exitCodes } from '../output/exit-code.ts';
import { count, createStyle, jsonText, printable } from '../output/text.ts';
import { lifeLeft, moment } from '../output/time.ts';
import { type Change, createChangeReader } from '../watch-events.ts';
import { explainRefusal, openClient } from '../workload.ts';
import { describe, type FormatOption, formatOption, socketOption } from './options.ts';

interface WatchOptions extends FormatOption {
  readonly socket?: string;
}

/** Makes the command. */
export function createWatch(context: Context): Command {
  const command = new Command('watch')
    .description('print a line for every change of the identities and bundles of this process, until Ctrl-C')
    .addOption(socketOption())
    .addOption(formatOption('one line per event'))
    .action((options: WatchOptions) => watch(options, context));
  return describe(command, {
    examples: ['ephemos watch', 'ephemos watch --socket unix:///run/spire/sockets/agent.sock --format json'],
    exits: {
      0: 'ended by Ctrl-C or SIGTERM',
      1: 'what answers there is no Workload API',
      4: 'not used: a refusal is an event, and the watch goes on',
    },
  });
}

async function watch({ socket, format }: WatchOptions, context: Context): Promise<void> {
  await using client = await openClient(socket);
  const style = createStyle(context.color);
  const read = createChangeReader();
  let first = true;
  for await (const event of client.watchX509Contexts({ signal: context.untilStopped() })) {
    // The agent may come later; an address that names nothing will not.
    if (first && event.type === 'error' && exitCodeOf(event.error) === exitCodes.config) throw event.error;
    first = false;
    const now = Date.now();
    for (const change of read(event)) {
      const told = 'error' in change ? { ...change, error: explainRefusal(change.error, client.endpoint) } : change;
      context.print(
        format === 'json' ? `${jsonText(toJson(told, now))}\n` : eventLine(toLine(told, now), { time: now, style, width: context.width }),
      );
    }
  }
}

function toLine(change: Change, now: number): EventLine {
  switch (change.type) {
    case 'issued':
    case 'rotated': {
      const { id, hint, notAfter } = change.svid;
      const named = hint === '' ? '' : `  (hint ${printable(JSON.stringify(hint))})`;
      return { name: change.type, tone: 'good', about: `${id}${named}  until ${moment(notAfter)}, ${lifeLeft(notAfter, now)}` };
    }
    case 'removed':
      return { name: 'removed', tone: 'warn', about: `${change.svid.id}, others are left` };
    case 'bundle-added':
      return { name: 'bundle', tone: 'plain', about: `${change.bundle.trustDomain} added, ${authorities(change.bundle)}` };
    case 'bundle-changed':
      return {
        name: 'bundle',
        tone: 'plain',
        about: `${change.bundle.trustDomain} changed, ${change.added} new and ${change.removed} gone, now ${authorities(change.bundle)}`,
      };
    case 'bundle-removed':
      return { name: 'bundle', tone: 'warn', about: `${change.bundle.trustDomain} removed, nobody of it is trusted any more` };
    case 'withdrawn':
    case 'refused':
      return errorLine(change.type, 'bad', change.error);
    case 'update-refused':
      return errorLine('bad update', 'warn', change.error);
    case 'agent-lost':
      return errorLine('agent lost', 'warn', change.error);
    case 'agent-back':
      return { name: 'agent back', tone: 'good', about: 'the Workload API answers again' };
  }
}

function errorLine(name: string, tone: EventLine['tone'], { message, hint }: EphemosError): EventLine {
  return { name, tone, about: printable(message), hint };
}

function authorities({ size }: X509Bundle): string {
  return count(size, 'authority', 'authorities');
}

function toJson(change: Change, now: number): object {
  const head = { time: new Date(now).toISOString(), event: change.type };
  if ('svid' in change) return { ...head, ...change.svid.toJSON() };
  if ('error' in change) return { ...head, error: reportOf(change.error) };
  if (!('bundle' in change)) return head;
  const { trustDomain, size } = change.bundle;
  const difference = change.type === 'bundle-changed' ? { added: change.added, removed: change.removed } : {};
  return { ...head, trustDomain: trustDomain.name, authorities: size, ...difference };
}
