// Load on the echo server: gRPC calls and POSTs on connections that are kept alive, some without a pause and some after a long one.
import { setTimeout } from 'node:timers/promises';
import { createEchoClient } from '../dist/call.js';

/** Between two calls, in milliseconds; the long one leaves a connection idle, where a rotation must not hurt it either. */
const pauses = { busy: 10, idle: 1_500 };

/**
 * @typedef {object} Load
 * @property {{ grpc: number, http: number, afterIdle: number, failed: number }} counts
 * @property {() => string | undefined} failure the first one
 * @property {() => Promise<void>} stop
 */

/**
 * Starts eight callers, each with a connection of its own.
 * @param {import('../dist/call.js').EchoClientOptions} options
 * @returns {Load}
 */
export function startLoad(options) {
  const counts = { grpc: 0, http: 0, afterIdle: 0, failed: 0 };
  /** @type {string | undefined} */
  let failure;
  const stopped = new AbortController();

  /**
   * @param {'grpc' | 'http'} protocol
   * @param {keyof typeof pauses} pace
   */
  async function call(protocol, pace) {
    const client = createEchoClient[protocol](options);
    for (let number = 0; !stopped.signal.aborted; number += 1) {
      const message = `${protocol} ${number}`;
      try {
        const reply = await client.echo(message);
        if (reply.message !== message) throw new Error(`the echo of "${message}" was "${reply.message}"`);
        counts[protocol] += 1;
        if (pace === 'idle' && number > 0) counts.afterIdle += 1;
      } catch (error) {
        counts.failed += 1;
        failure ??= `${protocol}: ${textOf(error)}`;
      }
      await setTimeout(pauses[pace], undefined, { signal: stopped.signal }).catch(() => undefined);
    }
    await client[Symbol.asyncDispose]();
  }

  const callers = /** @type {const} */ (['grpc', 'http']).flatMap((protocol) => [
    call(protocol, 'busy'),
    call(protocol, 'busy'),
    call(protocol, 'idle'),
    call(protocol, 'idle'),
  ]);
  return {
    counts,
    failure: () => failure,
    async stop() {
      stopped.abort();
      await Promise.all(callers);
    },
  };
}

/**
 * An error with its causes: of a failed fetch the first one says nothing.
 * @param {unknown} error
 */
function textOf(error) {
  const texts = [];
  for (let cause = error; cause instanceof Error; cause = cause.cause) texts.push(cause.message);
  return texts.join(' <- ');
}
