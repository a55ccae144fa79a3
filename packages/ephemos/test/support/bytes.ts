// Reads a socket to its end, or until what is awaited has come.
import type { Duplex } from 'node:stream';
import { PATIENCE_MS } from './events.ts';

/** Everything until the other side ends. */
export async function readAll(socket: Duplex): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

/** What came, as soon as it holds the text; the socket goes on. */
export function readUntil(socket: Duplex, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let read = '';
    const timer = setTimeout(() => settle(() => reject(new Error(`no ${JSON.stringify(text)} in ${JSON.stringify(read)}`))), PATIENCE_MS);
    const onClose = (): void => settle(() => reject(new Error(`closed before ${JSON.stringify(text)}, after ${JSON.stringify(read)}`)));
    function onData(chunk: unknown): void {
      read += String(chunk);
      if (read.includes(text)) settle(() => resolve(read));
    }
    function settle(done: () => void): void {
      clearTimeout(timer);
      socket.off('data', onData).off('close', onClose);
      done();
    }
    socket.on('data', onData).on('close', onClose);
  });
}
