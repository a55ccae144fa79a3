// Which socket a request of fetch went out on: undici tells on its diagnostics channels (undici 7; the tests hold it).
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

/**
 * Calls back with the socket of every request that was made for somebody.
 * @param current says for whom the request that is being made is; `undefined` for a request that is none of ours
 * @returns the way to stop
 */
export function followRequests(current: () => unknown, onSocket: (owner: unknown, socket: object) => void): () => void {
  const owners = new WeakMap<object, unknown>();

  // Made in the context of its fetch, but sent in that of whatever freed the connection: so the request itself carries the owner along.
  function onCreate(message: unknown): void {
    const request = objectIn(message, 'request');
    const owner = current();
    if (request !== undefined && owner !== undefined) owners.set(request, owner);
  }
  function onSend(message: unknown): void {
    const request = objectIn(message, 'request');
    const socket = objectIn(message, 'socket');
    const owner = request === undefined ? undefined : owners.get(request);
    if (owner !== undefined && socket !== undefined) onSocket(owner, socket);
  }
  subscribe('undici:request:create', onCreate);
  subscribe('undici:client:sendHeaders', onSend);
  return () => {
    unsubscribe('undici:request:create', onCreate);
    unsubscribe('undici:client:sendHeaders', onSend);
  };
}

function objectIn(message: unknown, name: string): object | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const value: unknown = Reflect.get(message, name);
  return typeof value === 'object' && value !== null ? value : undefined;
}
