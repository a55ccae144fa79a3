// What SPIRE's server can be asked, and what it answers.
import type { Entry } from '../entries/entry.ts';
import type { Agent } from './spire/api/types/agent_pb.ts';
import type { Bundle } from './spire/api/types/bundle_pb.ts';

/** What came of one entry of a batch. */
export interface Outcome {
  readonly entryId: string;
  /** Undefined when it was done. */
  readonly failure: { readonly code: string; readonly message: string } | undefined;
}

/** Which entries to list. */
export interface EntryFilter {
  readonly spiffeId?: string | undefined;
  readonly parentId?: string | undefined;
}

/** A token that one agent may join with, once. */
export interface JoinToken {
  readonly value: string;
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

/** SPIRE's server. Every call may throw a CommandError ERR_SERVER_*, and over mTLS an EphemosError. */
export interface SpireServer extends AsyncDisposable {
  /** The name of its trust domain. */
  fetchTrustDomain(): Promise<string>;
  fetchBundle(): Promise<Bundle>;
  countEntries(): Promise<number>;
  /** Pages. */
  listEntries(filter?: EntryFilter): AsyncIterable<readonly Entry[]>;
  /** The entry with this ID, when there is one. */
  fetchEntry(entryId: string): Promise<Entry | undefined>;
  createEntries(entries: readonly Entry[]): Promise<readonly Outcome[]>;
  updateEntries(entries: readonly Entry[]): Promise<readonly Outcome[]>;
  deleteEntries(entries: readonly Entry[]): Promise<readonly Outcome[]>;
  /** Pages. */
  listAgents(): AsyncIterable<readonly Agent[]>;
  /** False when there is no such agent. */
  evictAgent(spiffeId: string): Promise<boolean>;
  /** @param spiffeId an alias for the agent */
  createJoinToken(ttlSeconds: number, spiffeId: string | undefined): Promise<JoinToken>;
}
