// Asks the kernel who is at the other end of a unix socket: SO_PEERCRED on Linux, getpeereid and LOCAL_PEERPID on macOS.
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import type { Caller } from '../registry/entry.ts';

/** Reads the caller of an accepted connection; undefined when the kernel does not say. */
export type ReadCaller = (socket: Socket) => Caller | undefined;

/** How callers can be told apart here, or why they cannot. */
export type PeerCredentials = { readonly read: ReadCaller } | { readonly unavailable: string };

type Koffi = typeof import('koffi')['default'];

/** Loads the optional package koffi, which calls the C library. */
export async function openPeerCredentials(load: () => Promise<{ default: Koffi }> = () => import('koffi')): Promise<PeerCredentials> {
  const create = process.platform === 'linux' ? createLinuxReader : process.platform === 'darwin' ? createDarwinReader : undefined;
  if (!create) return { unavailable: `peer credentials are not known on ${process.platform}` };
  try {
    const { default: koffi } = await load();
    return { read: create(koffi) };
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    return { unavailable: `the optional package koffi cannot be loaded: ${reason}` };
  }
}

// Numbers of <sys/socket.h>. SO_PEERCRED is 17 wherever koffi has a binary for Linux except on big-endian and MIPS machines.
const linux = { SOL_SOCKET: 1, SO_PEERCRED: 17 } as const;
// Numbers of <sys/un.h>.
const darwin = { SOL_LOCAL: 0, LOCAL_PEERPID: 2 } as const;

const getsockopt = 'int getsockopt(int fd, int level, int name, void *value, _Inout_ uint32_t *length)';

function createLinuxReader(koffi: Koffi): ReadCaller {
  const call = koffi.load(null).func(getsockopt);
  return (socket) => {
    const ucred = Buffer.alloc(12);
    const fd = descriptor(socket);
    if (fd === undefined || call(fd, linux.SOL_SOCKET, linux.SO_PEERCRED, ucred, [ucred.length]) !== 0) return undefined;
    return { pid: ucred.readInt32LE(0), uid: ucred.readUInt32LE(4), gid: ucred.readUInt32LE(8) };
  };
}

function createDarwinReader(koffi: Koffi): ReadCaller {
  const library = koffi.load(null);
  const option = library.func(getsockopt);
  const getpeereid = library.func('int getpeereid(int fd, _Out_ uint32_t *uid, _Out_ uint32_t *gid)');
  return (socket) => {
    const fd = descriptor(socket);
    const uid = [0];
    const gid = [0];
    if (fd === undefined || getpeereid(fd, uid, gid) !== 0) return undefined;
    const pid = Buffer.alloc(4);
    const known = option(fd, darwin.SOL_LOCAL, darwin.LOCAL_PEERPID, pid, [pid.length]) === 0;
    return { uid: uid[0] ?? -1, gid: gid[0] ?? -1, pid: known ? pid.readInt32LE(0) : undefined };
  };
}

/** Node.js has no public access to the descriptor of a socket. */
function descriptor(socket: Socket): number | undefined {
  const inner: unknown = Reflect.get(socket, '_handle');
  if (typeof inner !== 'object' || inner === null || !('fd' in inner)) return undefined;
  return typeof inner.fd === 'number' && inner.fd >= 0 ? inner.fd : undefined;
}
