// Answers and a directory in; a stack that can be started out: its files, its keys, and the name of their owner.
import { join } from 'node:path';
import { EphemosError } from 'ephemos/errors';
import { ensureHostKeys, type KeyReport } from '../keys/host-key-files.ts';
import { makePrivateDirectory, type Owner } from '../keys/key-files.ts';
import { type Answers, parseAnswers } from './answers.ts';
import { MACHINE, outside, SPIRE_USER } from './places.ts';
import { digestOf, parseRecord, RECORD, recordOf, recordText } from './record.ts';
import { renderStack } from './render-stack.ts';
import { type ProjectChange, textOf, writeProject } from './write-project.ts';

/** What is asked for; what is left out is as it was, or the default. */
export interface StackOptions {
  readonly directory: string;
  readonly service?: string | undefined;
  readonly domain?: string | undefined;
  /** Where the keys go that belong on no server; undefined: they are forgotten. */
  readonly offline?: string | undefined;
  /** The user that makes it, where there are users. */
  readonly user?: Owner | undefined;
  readonly now: Date;
  readonly dryRun?: boolean | undefined;
}

/** What became of it, or would. */
export interface StackReport {
  readonly answers: Answers;
  readonly files: readonly ProjectChange[];
  readonly keys: readonly KeyReport[];
}

/**
 * Makes a stack, or what is missing of one. A second run changes nothing.
 * @throws {EphemosError} ERR_CONFIG_INVALID when a file was changed by hand and would have to be changed, or keys are there that do not do
 */
export async function initStack({ directory, offline, user, now, dryRun = false, ...given }: StackOptions): Promise<StackReport> {
  const recordPath = join(directory, RECORD);
  const recorded = textOf(recordPath);
  const record = recorded === undefined ? undefined : parseRecord(recorded, recordPath);
  const answers = parseAnswers(given.service ?? record?.answers.service, given.domain ?? record?.answers.domain);
  if (record !== undefined) refuseOther(directory, record.answers, answers);
  const files = renderStack(answers);
  const owner = user?.uid === 0 ? { uid: SPIRE_USER, gid: SPIRE_USER } : undefined;
  const keys = { directory: join(directory, outside.private), organization: answers.service, machine: MACHINE, offline, owner, now };
  const options = { before: record?.files ?? new Map<string, string>(), dryRun };
  // Whatever is wrong with the keys is found before anything is written.
  const planned = await ensureHostKeys(keys, { dryRun: true });
  const changes = [
    ...writeProject(directory, files, options),
    // Nobody but us writes the record.
    ...writeProject(directory, new Map([[RECORD, recordText(recordOf(answers, files))]]), {
      ...options,
      before: oursAsItIs(RECORD, recorded),
    }),
    ...keepOrWrite(directory, '.env', envText(answers, owner ?? user), dryRun),
  ];
  if (dryRun) return { answers, files: changes, keys: planned };
  for (const name of [outside.serverData, outside.agentData]) makePrivateDirectory(directory, name, owner);
  return { answers, files: changes, keys: await ensureHostKeys(keys) };
}

// What SPIRE keeps is of one trust domain for ever, and files under other names would stay behind.
function refuseOther(directory: string, before: Answers, now: Answers): void {
  if (before.service === now.service && before.domain === now.domain) return;
  throw new EphemosError('ERR_CONFIG_INVALID', `${directory} was made for the service ${before.service} in ${before.domain}`, {
    hint: 'name another directory',
  });
}

function oursAsItIs(name: string, text: string | undefined): ReadonlyMap<string, string> {
  return new Map(text === undefined ? [] : [[name, digestOf(text)]]);
}

function keepOrWrite(directory: string, name: string, text: string, dryRun: boolean): readonly ProjectChange[] {
  const there = textOf(join(directory, name)) !== undefined;
  return there ? [{ name, state: 'same' }] : writeProject(directory, new Map([[name, text]]), { before: new Map(), dryRun });
}

// Where there are no users (Windows), the engine has a Linux of its own, and SPIRE's images their own user.
function envText({ service }: Answers, { uid, gid }: Owner = { uid: 1000, gid: 1000 }): string {
  return `# Who owns the files in ${outside.private}/, and whom SPIRE's containers run as. With an engine that is not root's (rootless), both are 0: there it is you.
SPIRE_UID=${uid}
SPIRE_GID=${gid}
COMPOSE_PROJECT_NAME=${service}
`;
}
