// What the tests of the adapters share: web and ops may connect, a caller for each, and what was decided about them.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { RequestListener } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { authorizeId, authorizeOneOf, type ChannelMessages, createAgent, createServer, type EphemosAgent } from 'ephemos';
import { type HttpAnswer, httpsCall } from '../support/https-call.ts';
import { type Listening, listening } from '../support/listening.ts';
import { type Identity, OPS, ORDERS, openTlsWorld, type TlsWorld, WEB } from '../support/tls-world.ts';

export { OPS, ORDERS, WEB } from '../support/tls-world.ts';

/** Admits ops alone. */
export const isOps = authorizeId(OPS);

export interface AdapterWorld extends AsyncDisposable {
  readonly tls: TlsWorld;
  /** Orders; web and ops may connect. */
  readonly server: Identity;
  /** Clients that want orders. */
  readonly web: Identity;
  readonly ops: Identity;
}

export async function openAdapterWorld(): Promise<AdapterWorld> {
  const tls = await openTlsWorld();
  return {
    tls,
    server: { ...tls.server, authorize: authorizeOneOf([WEB, OPS]) },
    web: tls.client,
    ops: { source: await tls.open(OPS), authorize: authorizeId(ORDERS) },
    [Symbol.asyncDispose]: () => tls[Symbol.asyncDispose](),
  };
}

/** A server of an app, and calls to it as web and as ops. */
export interface ServedApp extends AsyncDisposable {
  readonly open: Listening<HttpsServer>;
  as(who: 'web' | 'ops', method: string, path: string, options?: CallOptions): Promise<HttpAnswer>;
}

export interface CallOptions {
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function serveApp(world: AdapterWorld, listener: RequestListener | HttpsServer): Promise<ServedApp> {
  const open = await listening(typeof listener === 'function' ? createServer(world.server, listener) : listener);
  const agents: Readonly<Record<'web' | 'ops', EphemosAgent>> = { web: createAgent(world.web), ops: createAgent(world.ops) };
  return {
    open,
    // Not a URL: some paths would be put in order on the way.
    as: (who, method, path, options = {}) => httpsCall(open.origin, { agent: agents[who], method, path, ...options }),
    async [Symbol.asyncDispose]() {
      for (const agent of Object.values(agents)) agent.destroy();
      await open[Symbol.asyncDispose]();
    },
  };
}

/** Decisions at requests, from now on until it is disposed. */
export function recordDecisions(): { readonly decisions: readonly ChannelMessages['decision'][] } & Disposable {
  const decisions: ChannelMessages['decision'][] = [];
  function record(message: unknown): void {
    if (isDecision(message) && message.gate === 'request') decisions.push(message);
  }
  subscribe('ephemos:authorize:decision', record);
  return { decisions, [Symbol.dispose]: () => void unsubscribe('ephemos:authorize:decision', record) };
}

function isDecision(message: unknown): message is ChannelMessages['decision'] {
  return typeof message === 'object' && message !== null && 'gate' in message && 'allowed' in message;
}
