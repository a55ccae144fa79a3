// Who calls a service: an identity of the agent, over HTTP and gRPC.

import type { DevAgent } from '@ephemos/dev';
import { Client, type ServiceError } from '@grpc/grpc-js';
import { authorizeId, type ClientOptions, createFetch, type EphemosFetch, openX509Source } from 'ephemos';
import { createChannelCredentials } from 'ephemos/grpc';
import { ORDERS } from './service-process.ts';

export interface Caller extends AsyncDisposable {
  readonly options: ClientOptions;
  /** The status and text that the service answers with, over a pool of its own. */
  get(
    path: string,
    options?: { readonly method?: string; readonly body?: string },
  ): Promise<{ readonly status: number; readonly body: string }>;
  echo(text: string, delay?: number): Promise<string>;
  /** Another pool with the same identity. */
  newFetch(): EphemosFetch;
}

interface Message {
  readonly text: string;
  readonly delay?: number;
}

const serialize = (message: Message): Buffer => Buffer.from(JSON.stringify(message));
function deserialize(bytes: Buffer): Message {
  const message: Message = JSON.parse(bytes.toString());
  return message;
}

export async function openCaller(agent: DevAgent, id: string, port: number): Promise<Caller> {
  const source = await openX509Source({ endpoint: await agent.endpointFor(id) });
  const options = { source, authorize: authorizeId(ORDERS) };
  const fetches: EphemosFetch[] = [];
  function newFetch(): EphemosFetch {
    const fetch = createFetch(options);
    fetches.push(fetch);
    return fetch;
  }
  const fetch = newFetch();
  const client = new Client(`127.0.0.1:${port}`, createChannelCredentials(options));
  return {
    options,
    newFetch,
    async get(path, init) {
      const response = await fetch(`https://127.0.0.1:${port}${path}`, init);
      return { status: response.status, body: await response.text() };
    },
    echo(text, delay = 0) {
      return new Promise((resolve, reject) => {
        const deadline = Date.now() + 10_000;
        client.makeUnaryRequest(
          '/test.Echo/Echo',
          serialize,
          deserialize,
          { text, delay },
          { deadline },
          (error: ServiceError | null, answer) => (error === null ? resolve(String(answer?.text)) : reject(error)),
        );
      });
    },
    async [Symbol.asyncDispose]() {
      client.close();
      for (const each of fetches) await each.close();
      await source.close();
    },
  };
}

/** What a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  if (outcome === undefined) throw new Error('it should have failed');
  return outcome.error;
}

/** The codes of an error and its causes. */
export function codesOf(error: unknown): readonly unknown[] {
  const codes: unknown[] = [];
  for (let each = error; each instanceof Error; each = each.cause) if ('code' in each) codes.push(each.code);
  return codes;
}
