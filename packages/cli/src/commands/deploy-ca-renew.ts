// ephemos deploy ca renew: the root, brought back for a moment, in; another upstream authority below it out.
import { Command } from 'commander';
import type { Context } from '../context.ts';
import type { Curve } from '../deploy/keys/certificate.ts';
import { type CaOptions, caTtlOption, curveOption, daysOption, tell, withPlaces } from './deploy-ca-options.ts';
import { describe } from './options.ts';

interface RenewOptions extends CaOptions {
  readonly curve: Curve;
  readonly days: number;
  readonly caTtl: number;
  readonly force?: boolean;
}

/** Makes the command. */
export function createDeployCaRenew(context: Context): Command {
  const command = withPlaces(
    new Command('renew').description(
      'sign another upstream authority below the same root, when it is due; the one before it stays good until its end',
    ),
    { offline: 'where the root and its key are', out: 'where tls.crt, tls.key and ca.crt are, or go' },
  )
    .option('--force', 'also when it is not due')
    .addOption(curveOption())
    .addOption(daysOption('--days <number>', 'that it is good for', 365))
    .addOption(caTtlOption())
    .action(async (options: RenewOptions) => context.finish(await renew(options, context)));
  return describe(command, {
    examples: [
      'ephemos deploy ca renew --offline /media/vault --out upstream',
      'ephemos deploy ca renew --offline /media/vault --out upstream --force --format json',
    ],
    exits: { 3: 'no root, or an authority that is not below it', 5: 'with --dry-run: something would be written' },
  });
}

async function renew({ caTtl, force = false, ...options }: RenewOptions, context: Context): Promise<number> {
  const { renewCa } = await import('../deploy/ca/renew-ca.ts');
  const report = await renewCa({ ...options, force, authority: caTtl, now: new Date() });
  return tell([report], options, {
    context,
    next: [
      `take ${options.offline} off this machine`,
      `bring ${options.out} to every server, in place of what is there: SPIRE takes it with its next authority, within half of ca_ttl;`,
      '  at once: spire-server localauthority x509 prepare, a minute later localauthority x509 activate -authorityID ID',
    ],
  });
}
