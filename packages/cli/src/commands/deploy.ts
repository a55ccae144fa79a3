// ephemos deploy: what is asked about a deployment.
import { Command } from 'commander';
import type { Context } from '../context.ts';
import { createDeployCa } from './deploy-ca.ts';
import { createDeployCheck } from './deploy-check.ts';
import { createDeployDiff } from './deploy-diff.ts';
import { createDeployInit } from './deploy-init.ts';
import { createDeployPin } from './deploy-pin.ts';
import { createDeployRender } from './deploy-render.ts';
import { createDeployVerify } from './deploy-verify.ts';
import { describe } from './options.ts';

/** Makes the command with those below it. */
export function createDeploy(context: Context): Command {
  const command = new Command('deploy')
    .description('write a deployment, and write and check the configuration of its SPIRE')
    .addCommand(createDeployInit(context))
    .addCommand(createDeployVerify(context))
    .addCommand(createDeployDiff(context))
    .addCommand(createDeployPin(context))
    .addCommand(createDeployRender(context))
    .addCommand(createDeployCheck(context))
    .addCommand(createDeployCa(context));
  return describe(command, {
    examples: [
      'ephemos deploy init --target compose',
      'ephemos deploy verify deploy/compose',
      'ephemos deploy pin deploy/compose',
      'ephemos deploy render spire.yaml --out /etc/spire',
      'ephemos deploy check /etc/spire',
    ],
    exits: { 3: 'a configuration that is not valid', 5: 'with --dry-run: something would be written' },
  });
}
