// ephemos deploy ca machine: the name of a machine in; the certificate by which its agent joins SPIRE out.
import { Command } from 'commander';
import type { Context } from '../context.ts';
import { type CaOptions, daysOption, tell, withPlaces } from './deploy-ca-options.ts';
import { describe } from './options.ts';

interface MachineOptions extends CaOptions {
  readonly days: number;
  readonly force?: boolean;
}

/** Makes the command. */
export function createDeployCaMachine(context: Context): Command {
  const command = withPlaces(
    new Command('machine')
      .description('sign the certificate of a machine, when it is due; the authority of machines stays offline too')
      .argument('<name>', 'of the machine, which no other one has: it is in the ID of its agent'),
    { offline: 'where the authority of machines and its key are, or go', out: 'where node.crt, node.key and nodes.crt go' },
  )
    .option('--force', 'also when it is not due')
    .addOption(daysOption('--days <number>', 'that it is good for', 90))
    .action(async (name: string, options: MachineOptions) => context.finish(await machine(name, options, context)));
  return describe(command, {
    examples: ['ephemos deploy ca machine machine-1 --offline /media/vault --out node'],
    exits: { 3: 'directories that are not apart, or keys that do not do', 5: 'with --dry-run: something would be written' },
  });
}

async function machine(name: string, { force = false, ...options }: MachineOptions, context: Context): Promise<number> {
  const { machineCa } = await import('../deploy/ca/machine-ca.ts');
  const reports = await machineCa({ ...options, machine: name, force, now: new Date() });
  return tell(reports, options, {
    context,
    next: [
      `take ${options.offline} off this machine`,
      `bring node.crt and node.key of ${options.out} to ${name}, as /etc/spire/node/ of its agent, and start the agent again`,
      "bring nodes.crt to SPIRE's servers, as /etc/spire/nodes/ca.crt",
    ],
  });
}
