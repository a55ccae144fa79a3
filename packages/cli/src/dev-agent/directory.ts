// Where the development agent of this user is when nobody says: the same place for `ephemos dev` and for those who look for it.
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';

/** The directory that was given, else the fixed one of this user. Absolute. */
export function agentDirectory(given: string | undefined, env: Readonly<Record<string, string | undefined>>): string {
  if (given !== undefined) return resolve(given);
  const { XDG_RUNTIME_DIR: runtime = '' } = env;
  return join(runtime.startsWith('/') ? runtime : tmpdir(), `ephemos-${userInfo().uid}`);
}
