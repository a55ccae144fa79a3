// Whether something is mounted at a path: the one question of the production checks that only the file system answers.
import { statSync } from 'node:fs';
import { dirname } from 'node:path';

/** True when a directory at or above the path is on another file system than the root directory. What is not there is not mounted. */
export function isMountedPath(path: string): boolean {
  const root = statSync('/').dev;
  for (let at = path; dirname(at) !== at; at = dirname(at)) {
    const stat = statSync(at, { throwIfNoEntry: false });
    if (stat !== undefined) return stat.dev !== root;
  }
  return false;
}
