// ephemos dev list: the identities of the running agent, each with the line to paste.

import type { DevAgentControl } from '@ephemos/dev';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { columns, createStyle, exportLine, printable } from '../output/text.ts';
import { lifeLeft } from '../output/time.ts';
import { ask, type ControlOptions, controlCommand, type Told } from './control-command.ts';
import { describe } from './options.ts';

/** Makes the command. */
export function createDevList(context: Context): Command {
  const command = controlCommand('list', 'list the identities of the running agent').action((options: ControlOptions) =>
    ask(context, options, (control) => list(control, context)),
  );
  return describe(command, { examples: ['ephemos dev list', 'ephemos dev list --format json'] });
}

async function list(control: DevAgentControl, { color }: Context): Promise<Told> {
  const { trustDomain, directory, pid } = control.agent;
  const style = createStyle(color);
  const identities = await Promise.all(
    (await control.identities()).map(async (identity) => ({ ...identity, endpoint: await control.endpointFor(identity.id) })),
  );
  const rows = identities.map(({ id, hint, expiresAt, endpoint }) => {
    const named = hint === '' ? '' : `hint ${printable(JSON.stringify(hint))}, `;
    return `${style.bold(id.toString())}  ${named}${lifeLeft(expiresAt.getTime(), Date.now())}\n  ${exportLine(endpoint)}`;
  });
  const head = columns([
    [style.dim('trust domain'), trustDomain.name],
    [style.dim('directory'), printable(directory)],
    [style.dim('process'), String(pid)],
  ]);
  return { text: `${head}\n\n${rows.length === 0 ? 'no identities' : rows.join('\n')}`, json: { trustDomain, directory, pid, identities } };
}
