// ephemos dev rotate: new SVIDs, or a new authority, on demand.

import type { DevAgentControl } from '@ephemos/dev';
import type { Command } from 'commander';
import { CommandError } from '../command-error.ts';
import type { Context } from '../context.ts';
import { parseId } from '../input/values.ts';
import { exitCodes } from '../output/exit-code.ts';
import { count } from '../output/text.ts';
import { ask, type ControlOptions, controlCommand, type Told, unknownId } from './control-command.ts';
import { describe } from './options.ts';

interface RotateOptions extends ControlOptions {
  readonly authority?: boolean;
  readonly overlap: boolean;
  readonly retire?: boolean;
}

/** Makes the command. */
export function createDevRotate(context: Context): Command {
  const command = controlCommand('rotate', 'give out new SVIDs now, or change the authority that signs them')
    .argument('[id]', 'the SPIFFE ID to rotate; all of them without one')
    .option('--authority', 'a new root: peers learn it first, and the old one stays in the bundle')
    .option('--no-overlap', 'with --authority: the old root is gone at once, as after a compromise')
    .option('--retire', 'take the roots off the bundle that no longer sign')
    .action((id: string | undefined, options: RotateOptions) => ask(context, options, (control) => rotate(control, id, options)));
  return describe(command, {
    examples: ['ephemos dev rotate', 'ephemos dev rotate spiffe://example.org/web', 'ephemos dev rotate --authority --no-overlap'],
    exits: { 1: 'no agent runs, or it has no such identity' },
  });
}

async function rotate(
  control: DevAgentControl,
  text: string | undefined,
  { authority = false, overlap, retire = false }: RotateOptions,
): Promise<Told> {
  const asked = [text !== undefined && 'an ID', authority && '--authority', retire && '--retire'].filter((each) => each !== false);
  if (asked.length > 1)
    throw usage(`${asked.join(' and ')} cannot be given together`, 'an authority signs every SVID; rotate one thing at a time');
  if (!overlap && !authority) throw usage('--no-overlap needs --authority', 'ephemos dev rotate --authority --no-overlap');
  if (retire) {
    await control.retireAuthorities();
    return { text: 'the roots that no longer sign are off the bundle', json: { rotated: 'bundle' } };
  }
  if (authority) {
    await control.rotateAuthority({ overlap });
    const rest = overlap ? 'the old one stays in the bundle until "ephemos dev rotate --retire"' : 'the old one is gone';
    return { text: `a new root signs; ${rest}`, json: { rotated: 'authority', overlap } };
  }
  const id = text === undefined ? undefined : parseId(text, 'the ID');
  const known = await control.identities();
  if (id !== undefined && !known.some((each) => each.id.equals(id))) throw unknownId(text ?? '');
  await control.rotate(id);
  return {
    text: `new SVIDs for ${id ?? count(known.length, 'identity', 'identities')}`,
    json: { rotated: id === undefined ? known.map((each) => each.id) : [id] },
  };
}

function usage(message: string, hint: string): CommandError {
  return new CommandError('ERR_USAGE_INVALID', message, { exitCode: exitCodes.usage, hint });
}
