// ephemos policy: what is asked about the policy of a service.
import { Command } from 'commander';
import type { Context } from '../context.ts';
import { describe } from './options.ts';
import { createPolicyExplain } from './policy-explain.ts';

/** Makes the command with those below it. */
export function createPolicy(context: Context): Command {
  const command = new Command('policy').description('ask the policy of a service').addCommand(createPolicyExplain(context));
  return describe(command, {
    examples: ['ephemos policy explain --peer spiffe://example.org/web --to "GET /orders"'],
    exits: { 3: 'a configuration, a policy, a SPIFFE ID or a target that is not valid', 4: 'denied' },
  });
}
