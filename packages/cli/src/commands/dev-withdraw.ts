// ephemos dev withdraw: takes an identity away, as a registrar does who deletes an entry.

import type { DevAgentControl } from '@ephemos/dev';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { parseId } from '../input/values.ts';
import { ask, type ControlOptions, controlCommand, type Told, unknownId } from './control-command.ts';
import { describe } from './options.ts';

/** Makes the command. */
export function createDevWithdraw(context: Context): Command {
  const command = controlCommand('withdraw', 'take an identity away, as when its registration entry is deleted')
    .argument('<id>', 'a SPIFFE ID')
    .action((id: string, options: ControlOptions) => ask(context, options, (control) => withdraw(control, id)));
  return describe(command, {
    examples: ['ephemos dev withdraw spiffe://example.org/web'],
    exits: { 1: 'no agent runs, or it has no such identity' },
  });
}

async function withdraw(control: DevAgentControl, text: string): Promise<Told> {
  const id = parseId(text, 'the ID');
  if (!(await control.withdraw(id))) throw unknownId(text);
  return { text: `${id} has no identity any more; "ephemos dev restore ${id}" gives it back`, json: { withdrawn: id } };
}
