// ephemos deploy ca init: a trust domain in; its root, and what SPIRE's servers sign under, out, each in a directory of its own.
import { Command } from 'commander';
import type { Context } from '../context.ts';
import type { Curve } from '../deploy/keys/certificate.ts';
import { type CaOptions, caTtlOption, curveOption, daysOption, tell, withPlaces } from './deploy-ca-options.ts';
import { describe } from './options.ts';

interface InitOptions extends CaOptions {
  readonly domain: string;
  readonly organization?: string;
  readonly curve: Curve;
  readonly days: number;
  readonly rootDays: number;
  readonly caTtl: number;
}

/** Makes the command. */
export function createDeployCaInit(context: Context): Command {
  const command = withPlaces(
    new Command('init')
      .description("make a root and, below it, the upstream authority of SPIRE's servers; what is there already is kept")
      .requiredOption('--domain <name>', 'the trust domain: both are kept to it (name constraints)'),
    { offline: 'where the root and its key go, off this machine soon', out: 'where tls.crt, tls.key and ca.crt go, for the servers' },
  )
    .option('--organization <name>', 'in the names of both (default: the trust domain)')
    .addOption(curveOption())
    .addOption(daysOption('--days <number>', 'that the upstream authority is good for', 365))
    .addOption(daysOption('--root-days <number>', 'that the root is good for', 3650))
    .addOption(caTtlOption())
    .action(async (options: InitOptions) => context.finish(await init(options, context)));
  return describe(command, {
    examples: [
      'ephemos deploy ca init --domain prod.acme.com --offline /media/vault --out upstream',
      'ephemos deploy ca init --domain prod.acme.com --offline /media/vault --out upstream --curve P-384 --days 180 --dry-run',
    ],
    exits: { 3: 'directories that are not apart, or keys that do not do', 5: 'with --dry-run: something would be written' },
  });
}

async function init({ rootDays, days, caTtl, ...options }: InitOptions, context: Context): Promise<number> {
  const { initCa } = await import('../deploy/ca/init-ca.ts');
  const reports = await initCa({ ...options, lives: { root: rootDays, upstream: days }, authority: caTtl, now: new Date() });
  return tell(reports, options, {
    context,
    next: [
      `take ${options.offline} off this machine, and keep a second copy of it`,
      `bring ${options.out} to SPIRE's servers: UpstreamAuthority "disk" of server.conf, or`,
      `  kubectl create secret generic spire-upstream-ca -n spire-server --from-file ${options.out}`,
    ],
  });
}
