// The echo over HTTP/1.1: GET /echo?message=… and POST /echo, answered as JSON.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createFetch, peerOf } from 'ephemos';
import { type EchoClient, type EchoClientOptions, type EchoReply, parseReply } from './echo.ts';

/** Longest message taken, in bytes. */
const maxMessageBytes = 64 * 1024;

/** Answers requests. While `isDraining()` every answer asks the client to come back over another connection. */
export function createEchoListener(isDraining: () => boolean): RequestListener {
  return (request, response) => {
    answer(request)
      .then((result) => send(response, result, isDraining()))
      // The request ended before its body did: there is nobody left to answer.
      .catch(() => response.destroy());
  };
}

interface Answer {
  readonly status: number;
  readonly body: EchoReply | { readonly error: string };
  readonly allow?: string;
}

async function answer(request: IncomingMessage): Promise<Answer> {
  // The gate has verified and authorized the caller before this listener runs.
  const caller = peerOf(request).id.toString();
  const [path, query = ''] = (request.url ?? '').split('?', 2);
  if (path !== '/echo') return { status: 404, body: { error: 'there is only /echo here' } };
  switch (request.method) {
    case 'GET':
      return { status: 200, body: { message: new URLSearchParams(query).get('message') ?? '', caller } };
    case 'POST': {
      const message = await readBody(request);
      if (message === undefined) return { status: 413, body: { error: `a message has at most ${maxMessageBytes} bytes` } };
      return { status: 200, body: { message, caller } };
    }
    default:
      return { status: 405, body: { error: 'GET or POST' }, allow: 'GET, POST' };
  }
}

// Undefined for one that is too long; the rest of it is dropped as it comes, and the connection ends with the answer.
function readBody(request: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    request.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes <= maxMessageBytes) parts.push(part);
      else resolve(undefined);
    });
    request.on('end', () => resolve(Buffer.concat(parts).toString('utf8')));
    request.on('error', reject);
  });
}

function send(response: ServerResponse, { status, body, allow }: Answer, last: boolean): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...(allow === undefined ? {} : { allow }),
    ...(last || status === 413 ? { connection: 'close' } : {}),
  });
  response.end(text);
}

/** A client that posts its messages. */
export function createHttpEcho({ server, timeout, ...options }: EchoClientOptions): EchoClient {
  const fetch = createFetch(options);
  return {
    async echo(message) {
      const response = await fetch(`https://${server}/echo`, { method: 'POST', body: message, signal: AbortSignal.timeout(timeout) });
      if (!response.ok) throw new Error(`the server answered ${response.status}: ${(await response.text()).slice(0, 200)}`);
      return parseReply(await response.json());
    },
    close: () => fetch.close(),
  };
}
