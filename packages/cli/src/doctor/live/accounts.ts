// Users and groups of this machine by name and number, and this process as another of them for the time of a question.
import { readFileSync } from 'node:fs';
import { CommandError } from '../../command-error.ts';
import { exitCodes } from '../../output/exit-code.ts';

/** A user to ask as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
}

// Node.js has no function for any of this; directories such as LDAP are not asked.
function rows(file: string): readonly (readonly string[])[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
  } catch {
    return [];
  }
}

/** The name of a user. */
export function userName(uid: number): string | undefined {
  return rows('/etc/passwd').find(([, , id]) => id === String(uid))?.[0];
}

/** The name of a group. */
export function groupName(gid: number): string | undefined {
  return rows('/etc/group').find(([, , id]) => id === String(gid))?.[0];
}

function groupsOf(name: string | undefined): readonly number[] {
  if (name === undefined) return [];
  return rows('/etc/group').flatMap(([, , id, members = '']) => (members.split(',').includes(name) ? [Number(id)] : []));
}

/**
 * The account that `--user` names: a name, a number, or `<uid>:<gid>`.
 * @throws {CommandError} ERR_USAGE_INVALID when there is none, and for anybody but root
 */
export function parseAccount(text: string): Account {
  const [, numbers, group] = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(text) ?? [];
  const row = rows('/etc/passwd').find(([name, , id]) => (numbers === undefined ? name === text && text !== '' : id === numbers));
  const uid = Number(numbers ?? row?.[2]);
  const gid = Number(group ?? row?.[3]);
  if (Number.isInteger(uid) && Number.isInteger(gid)) {
    if (process.geteuid?.() === 0) return { uid, gid, groups: [gid, ...groupsOf(row?.[0])] };
    throw new CommandError('ERR_USAGE_INVALID', 'only root may ask as another user', {
      exitCode: exitCodes.usage,
      hint: 'run this as the user itself, without --user, or with sudo',
    });
  }
  throw new CommandError('ERR_USAGE_INVALID', `--user ${JSON.stringify(text.slice(0, 100))}: /etc/passwd has no such user`, {
    exitCode: exitCodes.usage,
    hint: 'give the name of a user of this machine, or numbers as <uid>:<gid>',
  });
}

/** Runs with the effective user and groups of the account, which is what the agent and the modes of files see, and comes back. */
export async function asAccount<T>(account: Account | undefined, run: () => Promise<T>): Promise<T> {
  if (account === undefined) return run();
  const [groups = [], gid = 0] = [process.getgroups?.(), process.getegid?.()];
  try {
    process.setgroups?.(account.groups);
    process.setegid?.(account.gid);
    process.seteuid?.(account.uid);
    return await run();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(gid);
    process.setgroups?.(groups);
  }
}
