// One call of SPIRE's server: a method in, its answer or an explained failure out; pages and batches over it.
import { Code, ConnectError } from '@connectrpc/connect';
import { CommandError } from '../command-error.ts';
import { exitCodes } from '../output/exit-code.ts';
import { type Caller, explainFailure, explainLoss, isLostConnection } from './explain-failure.ts';
import type { Outcome } from './server.ts';
import type { Status } from './spire/api/types/status_pb.ts';

/** Runs a method. */
export type Call = <T>(method: () => Promise<T>) => Promise<T>;

/**
 * Makes what runs methods. One that loses a connection that stood is run once more: SPIRE's server ends connections over TLS after three
 * minutes, and every method that is used here may be run twice.
 */
export function createCall(caller: Caller): Call {
  let connected = false;
  return async (method) => {
    try {
      const answer = await method().catch((error: unknown) => {
        if (connected && isLostConnection(error)) return method();
        throw error;
      });
      connected = true;
      return answer;
    } catch (error) {
      throw connected && isLostConnection(error) ? explainLoss(error, caller) : explainFailure(error, caller);
    }
  };
}

/** An answer, or undefined when the server does not have what was asked for. */
export async function orNone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (ConnectError.from(error).code === Code.NotFound) return undefined;
    throw error;
  }
}

/** Part of a list, and where the next one begins. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextPageToken: string;
}

/** Every page. */
export async function* pages<T>(fetch: (pageToken: string) => Promise<Page<T>>): AsyncGenerator<readonly T[], void, undefined> {
  for (let token = ''; ; ) {
    const { items, nextPageToken } = await fetch(token);
    if (items.length > 0) yield items;
    if (nextPageToken === '') return;
    if (nextPageToken === token) {
      throw new CommandError('ERR_SERVER_FAILED', 'the server gives out the same page again and again', { exitCode: exitCodes.failed });
    }
    token = nextPageToken;
  }
}

/** A status that says that it was done. */
export const DONE = 'done';

/** What came of each entry that was sent, from the statuses in the same order. */
export function outcomes(
  entries: readonly { readonly entryId: string }[],
  statuses: readonly (Status | undefined | typeof DONE)[],
): readonly Outcome[] {
  return entries.map(({ entryId }, index) => {
    const status = statuses[index];
    if (status === DONE || status?.code === 0) return { entryId, failure: undefined };
    if (status === undefined) return { entryId, failure: { code: 'Unknown', message: 'the server said nothing of it' } };
    return { entryId, failure: { code: Code[status.code] ?? 'Unknown', message: status.message.slice(0, 300) } };
  });
}
