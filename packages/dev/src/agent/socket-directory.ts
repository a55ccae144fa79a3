// Makes or checks the directory that holds the sockets of an agent: who can enter it gets the identities.
import { chmod, lstat, mkdir, mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { EphemosError } from 'ephemos/errors';

/** A directory that only its owner can enter. */
export interface SocketDirectory {
  /** Absolute. */
  readonly path: string;
  /** Removes the directory when it was made here and is empty. */
  remove(): Promise<void>;
}

/**
 * Opens the directory, made with mode 0700 when it is not there; without a name a new one under the temporary directory.
 * @throws {EphemosError} ERR_OPTION_INVALID when it is a link, of another user or open to others
 */
export async function openSocketDirectory(directory?: string): Promise<SocketDirectory> {
  if (directory === undefined) return removable(await makeTemporaryDirectory());
  const path = resolve(directory);
  const made = await makePrivateDirectory(path);
  await checkSocketDirectory(path);
  return made ? removable(path) : { path, remove: async () => undefined };
}

/** @throws {EphemosError} ERR_OPTION_INVALID when it is missing, a link, of another user or open to others */
export async function checkSocketDirectory(path: string): Promise<void> {
  const stats = await lstat(path).catch((cause: unknown) => {
    throw unsafe(path, 'cannot be read', 'is the agent running, with this directory?', cause);
  });
  if (stats.isSymbolicLink()) throw unsafe(path, 'is a symbolic link', 'name the directory that it points to');
  if (!stats.isDirectory()) throw unsafe(path, 'is not a directory');
  const uid = process.getuid?.();
  if (uid !== undefined && stats.uid !== uid) throw unsafe(path, `belongs to uid ${stats.uid}, not to uid ${uid}`);
  if ((stats.mode & 0o077) !== 0) {
    throw unsafe(path, `is open to others (mode ${(stats.mode & 0o777).toString(8)})`, `run chmod 700 ${path}`);
  }
}

function makeTemporaryDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'ephemos-')).catch((cause: unknown) => {
    throw unsafe(tmpdir(), 'cannot hold a new one', 'set TMPDIR to a directory of your own, or name a directory', cause);
  });
}

/** True when the directory was not there before. */
async function makePrivateDirectory(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') return false;
    throw unsafe(path, 'cannot be made', undefined, cause);
  }
  // The umask may have taken bits from the owner.
  await chmod(path, 0o700);
  return true;
}

function removable(path: string): SocketDirectory {
  return { path, remove: () => rmdir(path).catch(() => undefined) };
}

function unsafe(path: string, what: string, hint = 'use a directory of your own with mode 0700', cause?: unknown): EphemosError {
  return new EphemosError('ERR_OPTION_INVALID', `the agent directory ${path} ${what}`, { hint, cause });
}
