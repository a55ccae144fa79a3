// What an echo is, over whatever protocol it comes.
import type { Authorizer, X509Source } from 'ephemos';

/** The answer: what was said, and who said it as the server knows it. */
export interface EchoReply {
  readonly message: string;
  /** The SPIFFE ID of the caller, from its certificate. */
  readonly caller: string;
}

/** What an echo client is made of. */
export interface EchoClientOptions {
  /** `host:port` */
  readonly server: string;
  readonly source: X509Source;
  readonly authorize: Authorizer;
  /** For each call, in milliseconds. */
  readonly timeout: number;
}

/** Something that echoes. */
export interface EchoClient {
  echo(message: string): Promise<EchoReply>;
  close(): Promise<void>;
}

/** @throws {TypeError} when a server answers something else */
export function parseReply(value: unknown): EchoReply {
  if (typeof value === 'object' && value !== null && 'message' in value && 'caller' in value) {
    const { message, caller } = value;
    if (typeof message === 'string' && typeof caller === 'string') return { message, caller };
  }
  throw new TypeError('the server answered with something that is no echo');
}
