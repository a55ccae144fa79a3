// A plan in; what came of each of its changes out. In batches: what is refused is named, and the others go on.
import { toBinary } from '@bufbuild/protobuf';
import type { Outcome, SpireServer } from '../spire-server/server.ts';
import { EntrySchema } from '../spire-server/spire/api/types/entry_pb.ts';
import { toWire } from '../spire-server/wire.ts';
import type { Entry } from './entry.ts';
import { type Plan, sizeOf } from './plan.ts';

/** So many entries are sent in one request, at most. */
export const MAX_BATCH_ENTRIES = 100;
/** So many bytes are sent in one request, unless it is one entry; SPIRE's server takes 4 MiB. */
export const MAX_BATCH_BYTES: number = 2 ** 20;

/** What is done to an entry. */
export type Action = 'create' | 'update' | 'delete';

/** An entry that the server refused. */
export interface Failure {
  readonly action: Action;
  readonly entry: Entry;
  /** The name of a gRPC status. */
  readonly code: string;
  readonly message: string;
}

/** What was done. */
export interface Applied {
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
  readonly failures: readonly Failure[];
  /** Changes that were not tried any more, or of which nobody knows. */
  readonly remaining: number;
  /** What ended it early, when it was not the signal. */
  readonly cause: Error | undefined;
}

/** How a plan is applied. */
export interface ApplyOptions {
  /** Ends it after the batch that is under way. */
  readonly signal: AbortSignal;
  onProgress(done: number, total: number): void;
}

/**
 * Applies a plan. What changes comes first, since a new entry may be granted what an old one gives up, and what goes comes last, so that nobody
 * is without an identity in between.
 */
export async function applyPlan(plan: Plan, server: SpireServer, { signal, onProgress }: ApplyOptions): Promise<Applied> {
  const total = sizeOf(plan);
  const done = { create: 0, update: 0, delete: 0 };
  const failures: Failure[] = [];
  let tried = 0;
  let cause: Error | undefined;
  const steps: readonly (readonly [Action, readonly Entry[], (entries: readonly Entry[]) => Promise<readonly Outcome[]>])[] = [
    ['update', plan.update.map(({ entry }) => entry), (entries) => server.updateEntries(entries)],
    ['create', plan.create, (entries) => server.createEntries(entries)],
    ['delete', plan.delete, (entries) => server.deleteEntries(entries)],
  ];
  try {
    for (const [action, entries, send] of steps) {
      for (const batch of batches(entries)) {
        if (signal.aborted) break;
        const refused = (await send(batch)).flatMap(({ failure }, index) => failureOf(action, batch[index], failure));
        tried += batch.length;
        done[action] += batch.length - refused.length;
        failures.push(...refused);
        onProgress(tried, total);
      }
    }
  } catch (error) {
    cause = error instanceof Error ? error : new Error(String(error));
  }
  return { created: done.create, updated: done.update, deleted: done.delete, failures, remaining: total - tried, cause };
}

function failureOf(action: Action, entry: Entry | undefined, failure: Outcome['failure']): readonly Failure[] {
  return entry === undefined || failure === undefined ? [] : [{ action, entry, ...failure }];
}

/** Entries in batches that a server takes. */
export function* batches(entries: readonly Entry[]): Generator<readonly Entry[], void, undefined> {
  let batch: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = toBinary(EntrySchema, toWire(entry)).length;
    if (batch.length === MAX_BATCH_ENTRIES || (batch.length > 0 && bytes + size > MAX_BATCH_BYTES)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(entry);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
