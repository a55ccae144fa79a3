// Live connections in; those whose client takes nothing of what waits for it are cut off. What the client sends meanwhile counts for nothing.
import type { TLSSocket } from 'node:tls';
import type { LiveConnection } from '../tls/live-connection.ts';

interface Look {
  readonly waiting: number;
  readonly since: number;
}

/** Looks at the connections twice in `timeout` until the returned function is called. Keeps no process alive. */
export function watchStalls(connections: Iterable<LiveConnection>, timeout: number): () => void {
  const looks = new WeakMap<TLSSocket, Look>();
  function look(): void {
    const now = performance.now();
    for (const { socket } of connections) {
      const waiting = waitingBytes(socket);
      const before = looks.get(socket);
      if (waiting === 0) looks.delete(socket);
      else if (before?.waiting !== waiting) looks.set(socket, { waiting, since: now });
      else if (now - before.since >= timeout) socket.destroy();
    }
  }
  const timer = setInterval(look, timeout / 2).unref();
  return () => clearInterval(timer);
}

/**
 * What is written and not taken: the bytes that wait in the stream, and of those that were handed to the system as much as it still holds back. The
 * second is `writeQueueSize` of the handle (undocumented, Node 0.10 to 26, what socket.setTimeout looks at too; the tests hold it): a large answer in
 * one piece waits in the stream until all of it is taken.
 */
function waitingBytes(socket: TLSSocket): number {
  if (socket.writableLength === 0) return 0;
  const handle: unknown = Reflect.get(socket, '_handle');
  const queued: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'writeQueueSize') : undefined;
  return socket.writableLength + (typeof queued === 'number' ? queued : 0);
}
