// ephemos deploy init: a few answers in, a deployment of one's own out, with the keys that it needs and that nobody else may read.
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { CommandError } from '../command-error.ts';
import type { Context } from '../context.ts';
import type { KeyReport } from '../deploy/keys/host-key-files.ts';
import { type GivenAnswers, type TargetName, targetNames } from '../deploy/project/target.ts';
import type { ProjectChange } from '../deploy/project/write-project.ts';
import { exitCodes } from '../output/exit-code.ts';
import { columns, createStyle, jsonText, printable, type Style } from '../output/text.ts';
import { describe, type FormatOption, formatOption } from './options.ts';

interface InitOptions extends FormatOption {
  readonly target: TargetName;
  readonly serviceName?: string;
  readonly domain?: string;
  readonly set?: GivenAnswers;
  readonly out?: string;
  readonly offline?: string;
  readonly dryRun?: boolean;
}

interface InitReport {
  readonly answers: Readonly<Record<string, string>>;
  readonly next: readonly string[];
  readonly files: readonly ProjectChange[];
  readonly keys?: readonly KeyReport[];
}

/** Makes the command. */
export function createDeployInit(context: Context): Command {
  const command = new Command('init')
    .description('write a deployment of your own: SPIRE, and services that prove who they are to each other')
    .addOption(
      new Option(
        '--target <target>',
        'compose: containers on one host; kubernetes: kustomize manifests; systemd: hardened units and a firewall',
      )
        .choices(targetNames)
        .makeOptionMandatory(),
    )
    .option('--service-name <name>', 'the stem of the names of its services (default: echo, or as the directory was made)')
    .option('--domain <name>', 'the trust domain, which cannot be changed later (default: <name>.internal, or as the directory was made)')
    .addOption(
      new Option(
        '--set <name=value...>',
        'another answer that the target asks for, such as image=registry.acme.com/orders:1.4.0',
      ).argParser(addAnswer),
    )
    .option('--out <directory>', 'where to (default: deploy/<target>)')
    .option(
      '--offline <directory>',
      'compose: keep the keys of the root and of the authority of machines there, off this machine soon (default: forget them)',
    )
    .option('--dry-run', 'write nothing; end with 5 when something would be written')
    .addOption(formatOption('one document'))
    .action(async (options: InitOptions) => context.finish(await init(options, context)));
  return describe(command, {
    examples: [
      'ephemos deploy init --target compose',
      'ephemos deploy init --target compose --service-name orders --domain prod.acme.com --out orders-stack --offline /media/vault',
      'ephemos deploy init --target kubernetes --service-name orders --domain prod.acme.com --set image=registry.acme.com/orders:1.4.0',
    ],
    exits: {
      3: 'a name that is none, keys that do not do, or a file in the way that was changed by hand',
      5: 'with --dry-run: something would be written',
    },
  });
}

async function init(options: InitOptions, context: Context): Promise<number> {
  const { findTarget } = await import('../deploy/project/targets.ts');
  const target = await findTarget(options.target);
  const { out = target.directory, dryRun = false, format } = options;
  const report = await make(out, options);
  const { files, keys = [] } = report;
  const differs = files.some(({ state }) => state === 'new' || state === 'changed') || keys.some(({ state }) => state === 'new');
  const exitCode = dryRun && differs ? exitCodes.differs : exitCodes.ok;
  context.print(
    format === 'json'
      ? `${jsonText(reportJson(report, options, !dryRun, exitCode), 2)}\n`
      : reportText(report, { ...options, out }, context),
  );
  return exitCode;
}

async function make(directory: string, options: InitOptions): Promise<InitReport> {
  const { serviceName: service, domain, set, offline, dryRun = false } = options;
  const given = { ...set, ...(service === undefined ? {} : { service }), ...(domain === undefined ? {} : { domain }) };
  if (options.target === 'compose') {
    const { initStack } = await import('../deploy/compose/init-stack.ts');
    const uid = process.geteuid?.();
    const gid = process.getegid?.();
    const user = uid === undefined || gid === undefined ? undefined : { uid, gid };
    return initStack({ directory, given, offline, user, now: new Date(), dryRun });
  }
  if (offline !== undefined) {
    throw new CommandError('ERR_USAGE_INVALID', `the target ${options.target} makes no keys`, {
      exitCode: exitCodes.usage,
      hint: 'make them with: ephemos deploy ca init --offline <directory>',
    });
  }
  const [{ findTarget }, { planProject }] = await Promise.all([
    import('../deploy/project/targets.ts'),
    import('../deploy/project/init-project.ts'),
  ]);
  const { made, write } = planProject(directory, await findTarget(options.target), given);
  return { ...made, files: write({ dryRun }) };
}

function addAnswer(text: string, before: GivenAnswers = {}): GivenAnswers {
  const at = text.indexOf('=');
  if (at < 1) {
    throw new CommandError('ERR_USAGE_INVALID', `${JSON.stringify(text)} is no answer`, {
      exitCode: exitCodes.usage,
      hint: 'write it as name=value',
    });
  }
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

function reportJson(report: InitReport, { target }: InitOptions, written: boolean, exitCode: number): object {
  const { answers, files, keys, next } = report;
  const made = keys?.map(({ what, state, path, until, late }) => ({ what, state, path, until: until.toISOString(), renew: late }));
  return { written, target, answers, files, ...(made === undefined ? {} : { keys: made }), next, exitCode };
}

function reportText({ answers, files, keys = [], next }: InitReport, options: InitOptions & { out: string }, { color }: Context): string {
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
  const said = Object.entries(answers).map(([name, value]) => [`  ${name}`, printable(value)]);
  const forgotten = keys.some(({ state }) => state === 'new') ? [`\n${offlineText(options)}`] : [];
  const steps = next.map((line) => `  ${printable(line)}\n`).join('');
  return [
    `${columns(rows)}\n`,
    `\n${style.bold('Answers')}\n${columns(said)}\n`,
    ...forgotten,
    ...(dryRun === true ? [] : [`\n${style.bold('Next')}, in ${printable(resolve(out))}:\n${steps}`]),
  ].join('');
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
