// ephemos dev restore: gives an identity back that was withdrawn, or registers a new one.

import type { DevAgentControl } from '@ephemos/dev';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { parseId } from '../input/values.ts';
import { exportLine } from '../output/text.ts';
import { ask, type ControlOptions, controlCommand, type Told } from './control-command.ts';
import { describe } from './options.ts';

/** Makes the command. */
export function createDevRestore(context: Context): Command {
  const command = controlCommand('restore', 'give an identity back, or register a new one')
    .argument('<id>', 'a SPIFFE ID')
    .action((id: string, options: ControlOptions) => ask(context, options, (control) => restore(control, id)));
  return describe(command, { examples: ['ephemos dev restore spiffe://example.org/web'] });
}

async function restore(control: DevAgentControl, text: string): Promise<Told> {
  const endpoint = await control.endpointFor(parseId(text, 'the ID'));
  return { text: exportLine(endpoint), json: { restored: text, endpoint } };
}
