// One port for HTTP/1 and HTTP/2 without TLS: the first bytes of a socket in, which of the two it speaks out (RFC 9113 section 3.4).
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';

// What every HTTP/2 client sends first, when it has no ALPN to say so.
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** What {@link sniff} tells. */
export type Protocol = 'http/1' | 'http/2';

/**
 * Calls back once, when the bytes that have come can only be one of the two; what is neither is left to the parser of HTTP/1 to refuse.
 * Nothing is taken off the socket. Bounding the wait is up to the caller.
 */
export function sniff(socket: Socket, onKnown: (protocol: Protocol) => void): void {
  let head: Buffer = Buffer.alloc(0);
  function look(): void {
    const chunk: unknown = socket.read();
    if (!Buffer.isBuffer(chunk)) return;
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    const seen = Math.min(head.length, PREFACE.length);
    const isPreface = head.compare(PREFACE, 0, seen, 0, seen) === 0;
    if (isPreface && seen < PREFACE.length) return;
    socket.off('readable', look);
    socket.unshift(head);
    onKnown(isPreface ? 'http/2' : 'http/1');
  }
  socket.on('readable', look);
}
