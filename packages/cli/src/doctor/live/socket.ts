// The socket of the Workload API as this user finds it: a path in; what is there, what stands in the way, and whether somebody listens out.
import { opendirSync, type Stats, statSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { systemCodeOf } from '../../output/exit-code.ts';

/** Most names of a directory that are looked at for other sockets. */
const MAX_SIBLINGS = 200;

/** What is at the path. */
export interface SocketReading {
  readonly path: string;
  readonly kind: 'socket' | 'directory' | 'other' | 'missing' | 'closed';
  /** For `missing` the first part of the path that is not there; for `closed` the directory that this user may not search. */
  readonly at: string;
  /** Owner and mode of what is at `at`, where they could be seen. */
  readonly owner: { readonly uid: number; readonly gid: number; readonly mode: number } | undefined;
  /** Other sockets in the directory where it should be, or the development agent's control socket. */
  readonly siblings: readonly string[];
  /** `open`, or the code of the system, or `ETIMEDOUT`. Undefined when there is no socket. */
  readonly connection: string | undefined;
}

/** Looks at the path, and connects once. */
export async function readSocket(path: string, timeout: number): Promise<SocketReading> {
  const place = locate(path);
  const siblings = socketsOf(place.kind === 'missing' || place.kind === 'closed' ? dirname(place.at) : dirname(path)).filter(
    (each) => each !== path,
  );
  return { path, ...place, siblings, connection: place.kind === 'socket' ? await tryConnect(path, timeout) : undefined };
}

type Located = Pick<SocketReading, 'kind' | 'at' | 'owner'>;

function locate(path: string): Located {
  const parts = path.split('/').filter((part) => part !== '');
  let at = '/';
  let owner = ownerOf(at);
  for (const part of parts) {
    const next = join(at, part);
    try {
      const stats = statSync(next);
      at = next;
      owner = toOwner(stats);
      if (at === path) return { kind: kindOf(stats), at, owner };
    } catch (error) {
      return systemCodeOf(error) === 'EACCES' ? { kind: 'closed', at, owner } : { kind: 'missing', at: next, owner: undefined };
    }
  }
  return { kind: 'other', at, owner };
}

function kindOf(stats: Stats): 'socket' | 'directory' | 'other' {
  if (stats.isSocket()) return 'socket';
  return stats.isDirectory() ? 'directory' : 'other';
}

function ownerOf(path: string): SocketReading['owner'] {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? undefined : toOwner(stats);
}

function toOwner({ uid, gid, mode }: Stats): SocketReading['owner'] {
  return { uid, gid, mode: mode & 0o7777 };
}

function socketsOf(directory: string): readonly string[] {
  const found: string[] = [];
  try {
    const open = opendirSync(directory);
    try {
      for (let seen = 0; seen < MAX_SIBLINGS; seen += 1) {
        const entry = open.readSync();
        if (entry === null) break;
        if (entry.isSocket()) found.push(join(directory, entry.name));
      }
    } finally {
      open.closeSync();
    }
  } catch {
    // It may not be listed, or is gone: then there is nothing to suggest.
  }
  return found.sort();
}

function tryConnect(path: string, timeout: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.setTimeout(timeout);
    const settle = (what: string): void => {
      socket.destroy();
      resolve(what);
    };
    socket
      .once('connect', () => settle('open'))
      .once('timeout', () => settle('ETIMEDOUT'))
      .once('error', (error) => settle(systemCodeOf(error) ?? 'unknown'));
  });
}
