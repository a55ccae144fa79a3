// ephemos deploy ca: who signs for SPIRE, made and renewed with a root that is kept offline.
import { Command } from 'commander';
import type { Context } from '../context.ts';
import { createDeployCaInit } from './deploy-ca-init.ts';
import { createDeployCaMachine } from './deploy-ca-machine.ts';
import { createDeployCaRenew } from './deploy-ca-renew.ts';
import { createDeployCaShow } from './deploy-ca-show.ts';
import { describe } from './options.ts';

/** Makes the command with those below it. */
export function createDeployCa(context: Context): Command {
  const command = new Command('ca')
    .description("make and renew what SPIRE's servers sign under, below a root that is kept offline")
    .addCommand(createDeployCaInit(context))
    .addCommand(createDeployCaRenew(context))
    .addCommand(createDeployCaMachine(context))
    .addCommand(createDeployCaShow(context));
  return describe(command, {
    examples: [
      'ephemos deploy ca init --domain prod.acme.com --offline /media/vault --out upstream',
      'ephemos deploy ca machine machine-1 --offline /media/vault --out node',
      'ephemos deploy ca show upstream',
      'ephemos deploy ca renew --offline /media/vault --out upstream',
    ],
    exits: {
      1: 'show: a certificate is due, or does not do',
      3: 'directories or keys that do not do',
      5: 'with --dry-run: something would be written',
    },
  });
}
