// ephemos deploy init: a few answers in, a deployment of one's own out, with the keys that it needs and that nobody else may read.
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { Context } from '../context.ts';
import type { StackReport } from '../deploy/compose/init-stack.ts';
import type { KeyReport } from '../deploy/keys/host-key-files.ts';
import { exitCodes } from '../output/exit-code.ts';
import { columns, createStyle, jsonText, printable, type Style } from '../output/text.ts';
import { describe, type FormatOption, formatOption } from './options.ts';

interface InitOptions extends FormatOption {
  readonly target: 'compose';
  readonly serviceName?: string;
  readonly domain?: string;
  readonly out: string;
  readonly offline?: string;
  readonly dryRun?: boolean;
}

/** Makes the command. */
export function createDeployInit(context: Context): Command {
  const command = new Command('init')
    .description('write a deployment of your own: SPIRE, a server and a client that prove who they are to each other')
    .addOption(new Option('--target <target>', 'compose: containers on one host').choices(['compose']).makeOptionMandatory())
    .option('--service-name <name>', 'the services are <name>-server and <name>-client (default: echo, or as the directory was made)')
    .option('--domain <name>', 'the trust domain, which cannot be changed later (default: <name>.internal, or as the directory was made)')
    .option('--out <directory>', 'where to', 'deploy/compose')
    .option(
      '--offline <directory>',
      'keep the keys of the root and of the authority of machines there, off this machine soon (default: forget them)',
    )
    .option('--dry-run', 'write nothing; end with 5 when something would be written')
    .addOption(formatOption('one document'))
    .action(async (options: InitOptions) => context.finish(await init(options, context)));
  return describe(command, {
    examples: [
      'ephemos deploy init --target compose',
      'ephemos deploy init --target compose --service-name orders --domain prod.acme.com --out orders-stack --offline /media/vault',
    ],
    exits: {
      3: 'a name that is none, keys that do not do, or a file in the way that was changed by hand',
      5: 'with --dry-run: something would be written',
    },
  });
}

async function init(options: InitOptions, context: Context): Promise<number> {
  const { initStack } = await import('../deploy/compose/init-stack.ts');
  const { out, serviceName, domain, offline, dryRun = false, format } = options;
  const uid = process.geteuid?.();
  const gid = process.getegid?.();
  const report = await initStack({
    directory: out,
    service: serviceName,
    domain,
    offline,
    user: uid === undefined || gid === undefined ? undefined : { uid, gid },
    now: new Date(),
    dryRun,
  });
  const differs =
    report.files.some(({ state }) => state === 'new' || state === 'changed') || report.keys.some(({ state }) => state === 'new');
  const exitCode = dryRun && differs ? exitCodes.differs : exitCodes.ok;
  context.print(format === 'json' ? `${jsonText(reportJson(report, !dryRun, exitCode), 2)}\n` : reportText(report, options, context));
  return exitCode;
}

function reportJson({ answers, files, keys }: StackReport, written: boolean, exitCode: number): object {
  const made = keys.map(({ what, state, path, until, late }) => ({ what, state, path, until: until.toISOString(), renew: late }));
  return { written, target: 'compose', ...answers, files, keys: made, exitCode };
}

function reportText({ answers: { service, domain }, files, keys }: StackReport, options: InitOptions, { color }: Context): string {
  const style = createStyle(color);
  const { out, dryRun } = options;
  const marks = {
    new: style.good('new'),
    changed: style.warn('changed'),
    same: style.dim('same'),
    yours: style.warn('yours'),
    kept: style.dim('kept'),
  };
  const rows = [
    ...files.map(({ name, state }) => [
      marks[state],
      printable(`${out}/${name}`),
      state === 'yours' ? 'changed by hand, left as it is' : '',
    ]),
    ...keys.map((key) => [marks[key.state], printable(key.path), lifeText(key, style)]),
  ];
  const forgotten = keys.some(({ state }) => state === 'new') ? [`\n${offlineText(options)}`] : [];
  const next = `\n${style.bold('Next')}, in ${printable(resolve(out))}:
  docker compose up -d
  docker compose logs ${service}-client    ${style.dim(`says: hello  (the server knows us as spiffe://${domain}/${service}-client)`)}
`;
  return [`${columns(rows)}\n`, ...forgotten, ...(dryRun === true ? [] : [next])].join('');
}

function lifeText({ what, until, late }: KeyReport, style: Style): string {
  const text = `${what}, until ${until.toISOString().slice(0, 10)}`;
  return late ? style.warn(`${text}: renew it soon`) : text;
}

function offlineText({ offline, dryRun }: InitOptions): string {
  const [verb, past] = dryRun === true ? ['would go to', 'would be forgotten'] : ['are in', 'were used once and forgotten'];
  return offline === undefined
    ? `The keys of the offline root and of the authority of machines ${past}: renewing means making new ones.\n`
    : `The keys of the offline root and of the authority of machines ${verb} ${printable(offline)}: take them off this machine.\n`;
}
