// ephemos whoami: the identities and bundles that the Workload API gives to this process, once.
import { Command } from 'commander';
import { EphemosError } from 'ephemos/errors';
import type { X509Bundle, X509Svid } from 'ephemos/spiffe';
import type { Context } from '../context.ts';
import { summarize, summaryJson } from '../output/certificate.ts';
import { columns, count, createStyle, jsonText, printable, type Style } from '../output/text.ts';
import { lifeLeft, moment } from '../output/time.ts';
import { fetchWorkload, type Workload } from '../workload.ts';
import { describe, type FormatOption, formatOption, socketOption, timeoutOption } from './options.ts';

interface WhoamiOptions extends FormatOption {
  readonly socket?: string;
  readonly timeout: number;
}

/** Makes the command. */
export function createWhoami(context: Context): Command {
  const command = new Command('whoami')
    .description('show the identities and trust bundles that the Workload API gives to this process')
    .addOption(socketOption())
    .addOption(timeoutOption('how long the Workload API may take'))
    .addOption(formatOption('one document'))
    .action((options: WhoamiOptions) => whoami(options, context));
  return describe(command, {
    examples: ['ephemos whoami', 'ephemos whoami --socket unix:///run/spire/sockets/agent.sock --format json'],
    exits: { 4: 'no identity issued, or it has expired' },
  });
}

async function whoami({ socket, timeout, format }: WhoamiOptions, context: Context): Promise<void> {
  const workload = await fetchWorkload(socket, timeout);
  const now = Date.now();
  if (format === 'json') context.print(`${jsonText(toJson(workload, now), 2)}\n`);
  else context.print(toText(workload, now, createStyle(context.color)));
  const [svid] = workload.context.svids;
  if (svid !== undefined && now > svid.notAfter) {
    throw new EphemosError('ERR_IDENTITY_EXPIRED', `${svid.id} expired at ${moment(svid.notAfter)}`, {
      hint: 'the agent gives out an old identity: see its log, and compare the clocks of both machines',
    });
  }
}

function toText({ context: { svids, bundles } }: Workload, now: number, style: Style): string {
  const identities = svids.map((svid, index) => identityText(svid, svids.length > 1 && index === 0, now, style));
  const rows = [...bundles].flatMap((bundle) => bundleRows(bundle, now, style));
  return `${identities.join('\n')}\ntrust bundles\n${columns(rows, { indent: '  ' })}\n`;
}

function identityText(svid: X509Svid, isDefault: boolean, now: number, style: Style): string {
  const rows = [
    ...(svid.hint === '' ? [] : [['hint', printable(svid.hint)]]),
    ['valid', `${moment(svid.notBefore)} to ${moment(svid.notAfter)}`],
    ['life', lifeText(svid.notAfter, now, style)],
    ['chain', count(svid.chain.length, 'certificate')],
    ['key', keyTypeOf(svid)],
  ];
  return `${style.bold(svid.id.toString())}${isDefault ? '  (default)' : ''}\n${columns(
    rows.map(([label = '', value = '']) => [style.dim(label), value]),
    { indent: '  ' },
  )}\n`;
}

function bundleRows(bundle: X509Bundle, now: number, style: Style): readonly (readonly string[])[] {
  const unreadable = bundle.size - bundle.authorities.length;
  const head = [bundle.trustDomain.name, count(bundle.size, 'authority', 'authorities')];
  const ends = bundle.authorities.map(({ notAfter }) => [`until ${moment(notAfter)}`, lifeText(notAfter, now, style)]);
  if (unreadable > 0) ends.push([style.warn(`${unreadable} unreadable`)]);
  if (ends.length === 0) ends.push([style.warn('nobody of it is trusted')]);
  return ends.map((end, index) => [...(index === 0 ? head : ['', '']), ...end]);
}

function lifeText(notAfter: number, now: number, style: Style): string {
  return now > notAfter ? style.bad(lifeLeft(notAfter, now)) : lifeLeft(notAfter, now);
}

function keyTypeOf({ chain: [leaf] }: X509Svid): string {
  return leaf === undefined ? 'unknown key' : summarize(leaf).keyType;
}

function toJson({ endpoint, context: { svids, bundles } }: Workload, now: number): object {
  return {
    endpoint,
    svids: svids.map((svid) => ({
      ...svid.toJSON(),
      remainingSeconds: Math.floor((svid.notAfter - now) / 1000),
      chainLength: svid.chain.length,
      keyType: keyTypeOf(svid),
    })),
    bundles: [...bundles].map((bundle) => ({
      trustDomain: bundle.trustDomain.name,
      authorities: bundle.authorities.map(({ der }) => summaryJson(summarize(der))),
      unreadable: bundle.size - bundle.authorities.length,
    })),
  };
}
