// ephemos bundle: what a trust domain is verified with.
import { Command } from 'commander';
import type { Context } from '../context.ts';
import { createBundleShow } from './bundle-show.ts';
import { describe } from './options.ts';
import { serverExits } from './server-command.ts';

/** Makes the command with those below it. */
export function createBundle(context: Context): Command {
  const command = new Command('bundle').description("see the trust bundle of SPIRE's server").addCommand(createBundleShow(context));
  return describe(command, { examples: ['ephemos bundle show --server unix:///run/spire-server/private/api.sock'], exits: serverExits });
}
