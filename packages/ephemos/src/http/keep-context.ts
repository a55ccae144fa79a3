// The events of a request, run in the async context of its handler: Node runs them in that of the connection, where no handler's is (Node 20 to 26).
import { AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';

/** Makes every listener of these emitters run in the async context of the call of this. What is no emitter stays as it is. */
export function keepContext(emitters: readonly unknown[]): void {
  const context = new AsyncResource('EphemosRequest');
  for (const emitter of emitters) {
    if (!(emitter instanceof EventEmitter)) continue;
    const emit = emitter.emit.bind(emitter);
    emitter.emit = (event: string | symbol, ...args: unknown[]): boolean => context.runInAsyncScope(emit, undefined, event, ...args);
  }
}
