// Ends a connection of ioredis between two commands: what is written and answered in, the moment to close out.
import type { TLSSocket } from 'node:tls';
import type { LiveConnection } from '../tls/live-connection.ts';
import { RespReader, type RespValue } from './resp.ts';

// Answered by pushes in RESP3, and by one array for each channel in RESP2.
const SUBSCRIPTIONS = new Set(['SUBSCRIBE', 'UNSUBSCRIBE', 'PSUBSCRIBE', 'PUNSUBSCRIBE', 'SSUBSCRIBE', 'SUNSUBSCRIBE']);

/**
 * Closes the connection once it drains and every command has its answer; commands that come meanwhile wait in ioredis for the next
 * connection. Without this ioredis would send the commands that were under way a second time, and an INCR could count twice.
 * Between WATCH or MULTI and EXEC it stays, until it expires.
 */
export function leaveBetweenCommands(connection: LiveConnection): void {
  const { socket } = connection;
  let unanswered = 0;
  let watching = false;
  let inTransaction = false;
  let leaving = false;

  const commands = new RespReader(({ name }) => {
    if (!SUBSCRIPTIONS.has(name)) unanswered += 1;
    if (name === 'MULTI') inTransaction = true;
    else if (name === 'WATCH') watching = true;
    else if (name === 'UNWATCH' && !inTransaction) watching = false;
    else if (name === 'EXEC' || name === 'DISCARD' || name === 'RESET') inTransaction = watching = false;
  });

  const answers = new RespReader(({ type }: RespValue) => {
    // Messages of a RESP2 subscription look like answers.
    if (type !== '>') unanswered = Math.max(unanswered - 1, 0);
  });

  function leave(): void {
    if (socket.destroyed) return;
    if (connection.refused) return void socket.destroy();
    if (watching || inTransaction) return;
    if (!leaving) {
      leaving = true;
      // What ioredis looks at before it writes (ioredis 5 and 6): commands go to its offline queue now.
      Object.defineProperty(socket, 'writable', { value: false, configurable: true, writable: true });
    }
    // Not destroySoon(): it would ask `writable` whether there is anything to end.
    if (unanswered === 0) socket.end(() => socket.destroy());
  }

  onWrite(socket, (bytes) => commands.read(bytes));
  // Not at once: a listener makes a socket flow, and what comes before ioredis listens would be lost.
  socket.once('resume', () => {
    socket.on('data', (chunk: Buffer) => {
      answers.read(chunk);
      if (connection.draining) leave();
    });
  });
  connection.onDrain(leave);
}

/** Sees everything that is written to a socket. */
function onWrite(socket: TLSSocket, see: (bytes: Buffer) => void): void {
  const { write } = socket;
  Object.defineProperty(socket, 'write', {
    configurable: true,
    // node:net puts another one in its place at the end of a connection.
    writable: true,
    value: (chunk: string | Uint8Array, ...rest: readonly unknown[]): unknown => {
      const written: unknown = Reflect.apply(write, socket, [chunk, ...rest]);
      see(typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      return written;
    },
  });
}
