// ephemos deploy: what is asked about a deployment.
import { Command } from 'commander';
import type { Context } from '../context.ts';
import { createDeployCheck } from './deploy-check.ts';
import { createDeployRender } from './deploy-render.ts';
import { describe } from './options.ts';

/** Makes the command with those below it. */
export function createDeploy(context: Context): Command {
  const command = new Command('deploy')
    .description('write and check the configuration of SPIRE')
    .addCommand(createDeployRender(context))
    .addCommand(createDeployCheck(context));
  return describe(command, {
    examples: ['ephemos deploy render spire.yaml --out /etc/spire', 'ephemos deploy check /etc/spire'],
    exits: { 3: 'a configuration that is not valid', 5: 'with --dry-run: something would be written' },
  });
}
