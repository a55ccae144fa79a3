// The fetch that proves who is calling: the global fetch, over our dispatcher.
import { EphemosError } from '../errors.ts';
import { type ClientOptions, checkClientOptions } from '../tls/connect.ts';
import type { EphemosDispatcher } from './dispatcher.ts';
import { parseHttpsUrl } from './https-url.ts';
import type { Gated } from './server.ts';

/** A fetch behind the gate. */
export type EphemosFetch = typeof globalThis.fetch & Gated & AsyncDisposable & { close(): Promise<void> };

/**
 * Makes a `fetch` for services that know us by SPIFFE ID. Takes and returns what the global fetch does; refuses every scheme but https.
 * @example
 * const fetch = createFetch({ source, authorize: authorizeId('spiffe://example.org/orders') });
 * const response = await fetch('https://orders:8443/v1/orders');
 * @throws {EphemosError} ERR_AUTHORIZER_INVALID, ERR_OPTION_INVALID
 */
export function createFetch(options: ClientOptions): EphemosFetch {
  // undici is loaded when it is first needed: a service that only serves never pays for it.
  let opening: Promise<EphemosDispatcher> | undefined;
  let closed = false;
  checkClientOptions(options);
  const dispatcher = (): Promise<EphemosDispatcher> =>
    (opening ??= import('./dispatcher.ts').then(({ createDispatcher }) => createDispatcher(options)));

  async function fetch(input: Parameters<typeof globalThis.fetch>[0], init?: RequestInit): Promise<Response> {
    if (closed) throw new TypeError('fetch failed', { cause: new EphemosError('ERR_SOURCE_CLOSED', 'this fetch was closed') });
    checkUrl(input instanceof Request ? input.url : input);
    // Reflect, because the type of the global fetch names the dispatcher of the undici release inside Node, not ours; both speak the same protocol.
    const response: unknown = await Reflect.apply(globalThis.fetch, undefined, [input, { ...init, dispatcher: await dispatcher() }]);
    if (!(response instanceof Response)) throw new TypeError('the global fetch did not return a Response');
    return response;
  }

  async function close(): Promise<void> {
    closed = true;
    await (await opening)?.close();
  }

  return Object.assign(fetch, {
    reauthorize: async () => (await opening)?.reauthorize(),
    close,
    [Symbol.asyncDispose]: close,
  });
}

// The connector refuses http; schemes that need no connection, such as data, would never reach it.
function checkUrl(url: string | URL): void {
  try {
    parseHttpsUrl(url);
  } catch (error) {
    throw new TypeError('fetch failed', { cause: error });
  }
}
