// Turns a path into accepted connections; a socket file that a dead process left behind is replaced, a live one refused.
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { chmod, lstat, unlink } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { EphemosError } from 'ephemos/errors';

/** Longest path of a socket, in bytes: macOS takes 103, Linux 107. */
export const maxSocketPathBytes = 100;

/** A listening unix socket. */
export interface UnixListener {
  /** Ends every connection at once. */
  dropConnections(): void;
  /** Stops listening, ends every connection and removes the socket file. */
  close(): Promise<void>;
}

/** @throws {EphemosError} ERR_ENDPOINT_INVALID for a path that is too long */
export function checkSocketPath(path: string): void {
  if (Buffer.byteLength(path) > maxSocketPathBytes) {
    throw new EphemosError('ERR_ENDPOINT_INVALID', `the socket path ${path} is longer than ${maxSocketPathBytes} bytes`, {
      hint: 'use a directory with a shorter path',
    });
  }
}

/** @throws {EphemosError} ERR_ENDPOINT_INVALID for a path that is too long, ERR_OPTION_INVALID when another process listens there */
export async function listenUnix(path: string, accept: (socket: Socket) => void): Promise<UnixListener> {
  checkSocketPath(path);
  await removeStaleSocket(path);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // Peers come and go; 'close' follows and is all that matters.
    socket.on('error', () => undefined);
    accept(socket);
  });
  try {
    server.listen(path);
    await once(server, 'listening');
    await chmod(path, 0o600);
  } catch (cause) {
    server.close();
    throw new EphemosError('ERR_OPTION_INVALID', `no socket can be made at ${path}`, { hint: 'use another directory', cause });
  }

  function dropConnections(): void {
    for (const socket of sockets) socket.destroy();
  }
  return {
    dropConnections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        dropConnections();
      }),
  };
}

async function removeStaleSocket(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (!stats) return;
  if (!stats.isSocket()) throw new EphemosError('ERR_OPTION_INVALID', `${path} exists and is not a socket`, { hint: 'move it away' });
  if (await isListening(path)) {
    throw new EphemosError('ERR_OPTION_INVALID', `another agent is listening on ${path}`, {
      hint: 'stop it, or use another directory',
    });
  }
  await unlink(path);
}

async function isListening(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    // Anything but a plain "nobody there" may be a live agent.
    return !(error instanceof Error && 'code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ENOENT'));
  } finally {
    socket.destroy();
  }
}
