// ephemos deploy: what is asked about a deployment.
import { Command } from 'commander';
import type { Context } from '../context.ts';
import { createDeployCheck } from './deploy-check.ts';
import { createDeployInit } from './deploy-init.ts';
import { createDeployRender } from './deploy-render.ts';
import { describe } from './options.ts';

/** Makes the command with those below it. */
export function createDeploy(context: Context): Command {
  const command = new Command('deploy')
    .description('write a deployment, and write and check the configuration of its SPIRE')
    .addCommand(createDeployInit(context))
    .addCommand(createDeployRender(context))
    .addCommand(createDeployCheck(context));
  return describe(command, {
    examples: [
      'ephemos deploy init --target compose',
      'ephemos deploy render spire.yaml --out /etc/spire',
      'ephemos deploy check /etc/spire',
    ],
    exits: { 3: 'a configuration that is not valid', 5: 'with --dry-run: something would be written' },
  });
}
