// ephemos config: what is asked about the configuration of a service.
import { Command } from 'commander';
import type { Context } from '../context.ts';
import { createConfigValidate } from './config-validate.ts';
import { describe } from './options.ts';

/** Makes the command with those below it. */
export function createConfig(context: Context): Command {
  const command = new Command('config').description('check the configuration of a service').addCommand(createConfigValidate(context));
  return describe(command, { examples: ['ephemos config validate ./config.yaml'], exits: { 3: 'a configuration that is not valid' } });
}
