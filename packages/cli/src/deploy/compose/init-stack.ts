// Answers and a directory in; a stack that can be started out: its files, its keys, and the name of their owner.
import { join } from 'node:path';
import { ensureHostKeys, type KeyReport } from '../keys/host-key-files.ts';
import { makePrivateDirectory, type Owner } from '../keys/key-files.ts';
import { planProject } from '../project/init-project.ts';
import { parseNames } from '../project/names.ts';
import type { GivenAnswers, Made } from '../project/target.ts';
import { type ProjectChange, textOf, writeProject } from '../project/write-project.ts';
import { MACHINE, outside, SPIRE_USER } from './places.ts';
import { composeTarget } from './target.ts';

/** What is asked for; what is left out is as it was, or the default. */
export interface StackOptions {
  readonly directory: string;
  readonly given?: GivenAnswers | undefined;
  /** Where the keys go that belong on no server; undefined: they are forgotten. */
  readonly offline?: string | undefined;
  /** The user that makes it, where there are users. */
  readonly user?: Owner | undefined;
  readonly now: Date;
  readonly dryRun?: boolean | undefined;
}

/** What became of it, or would. */
export interface StackReport extends Pick<Made, 'answers' | 'next'> {
  readonly files: readonly ProjectChange[];
  readonly keys: readonly KeyReport[];
}

/**
 * Makes a stack, or what is missing of one. A second run changes nothing.
 * @throws {EphemosError} ERR_CONFIG_INVALID when a file was changed by hand and would have to be changed, or keys are there that do not do
 */
export async function initStack({ directory, given = {}, offline, user, now, dryRun = false }: StackOptions): Promise<StackReport> {
  const { made, write } = planProject(directory, composeTarget, given);
  const { service } = parseNames(made.answers['service'], made.answers['domain']);
  const owner = user?.uid === 0 ? { uid: SPIRE_USER, gid: SPIRE_USER } : undefined;
  const keys = { directory: join(directory, outside.private), organization: service, machine: MACHINE, offline, owner, now };
  // Whatever is wrong with the keys is found before anything is written.
  const planned = await ensureHostKeys(keys, { dryRun: true });
  const files = [...write({ dryRun }), ...keepOrWrite(directory, '.env', envText(service, owner ?? user), dryRun)];
  const { answers, next } = made;
  if (dryRun) return { answers, next, files, keys: planned };
  for (const name of [outside.serverData, outside.agentData]) makePrivateDirectory(directory, name, owner);
  return { answers, next, files, keys: await ensureHostKeys(keys) };
}

function keepOrWrite(directory: string, name: string, text: string, dryRun: boolean): readonly ProjectChange[] {
  const there = textOf(join(directory, name)) !== undefined;
  return there ? [{ name, state: 'same' }] : writeProject(directory, new Map([[name, text]]), { before: new Map(), dryRun });
}

// Where there are no users (Windows), the engine has a Linux of its own, and SPIRE's images their own user.
function envText(service: string, { uid, gid }: Owner = { uid: 1000, gid: 1000 }): string {
  return `# Who owns the files in ${outside.private}/, and whom SPIRE's containers run as. With an engine that is not root's (rootless), both are 0: there it is you.
SPIRE_UID=${uid}
SPIRE_GID=${gid}
COMPOSE_PROJECT_NAME=${service}
`;
}
