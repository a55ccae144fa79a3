// What is to be done: the entries that a file asks for and, page by page, those that the server has in; a plan out. Of the server's entries only
// those are kept that the plan speaks of.
import { changesBetween, type Entry, type FieldChange, grantOf } from './entry.ts';
import { ownerOf } from './ownership.ts';

/** An entry of ours that is to become another. */
export interface Update {
  /** As it is to be, under the ID that it has. */
  readonly entry: Entry;
  readonly changes: readonly FieldChange[];
}

/** An entry that is wanted, and somebody else's for the same SPIFFE ID, parent and selectors. A server does not take both. */
export interface Held {
  readonly entry: Entry;
  readonly other: Entry;
  /** In what theirs differs from what is wanted; nothing where it does as well. */
  readonly changes: readonly FieldChange[];
}

/** What is to be done, and what is not. */
export interface Plan {
  readonly owner: string;
  readonly create: readonly Entry[];
  readonly update: readonly Update[];
  readonly delete: readonly Entry[];
  /** How many are as they should be. */
  readonly unchanged: number;
  /** Ours that the file does not have, and that stay because pruning was not asked for. */
  readonly left: readonly Entry[];
  readonly held: readonly Held[];
  /** Wanted by the file, and over: SPIRE removes such entries by itself. */
  readonly expired: readonly Entry[];
}

/** What a planner goes by. */
export interface PlanOptions {
  readonly owner: string;
  /** Whether entries of this owner that are not wanted go. */
  readonly prune: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Takes in what the server has. */
export interface Planner {
  see(entry: Entry): void;
  /** The plan, when every entry was seen. */
  finish(): Plan;
}

/** Makes a planner for the entries that are wanted. Their IDs and what they grant are each there once. */
export function createPlanner(wanted: readonly Entry[], { owner, prune, now }: PlanOptions): Planner {
  const isOver = ({ expiresAt }: Entry): boolean => expiresAt !== 0 && expiresAt * 1000 <= now;
  const current = wanted.filter((entry) => !isOver(entry));
  const byId = new Map(current.map((entry) => [entry.entryId, entry]));
  const byGrant = new Map(current.map((entry) => [grantOf(entry), entry]));
  /** What the server has for each entry that is wanted. */
  const ours = new Map<Entry, Entry>();
  const theirs = new Map<Entry, Entry>();
  const unwanted: Entry[] = [];

  function see(entry: Entry): void {
    const mine = ownerOf(entry.entryId) === owner;
    const known = mine ? byId.get(entry.entryId) : undefined;
    const granted = byGrant.get(grantOf(entry));
    if (known !== undefined) ours.set(known, entry);
    else if (mine) unwanted.push(entry);
    else if (granted !== undefined) theirs.set(granted, entry);
  }

  // An entry that was given another key is the one that grants the same: it stays as it is, without a moment in which nobody has the identity.
  function adopt(): readonly Entry[] {
    return unwanted.filter((entry) => {
      const same = byGrant.get(grantOf(entry));
      if (same === undefined || ours.has(same)) return true;
      ours.set(same, entry);
      return false;
    });
  }

  function finish(): Plan {
    const rest = adopt();
    const create: Entry[] = [];
    const update: Update[] = [];
    const held: Held[] = [];
    let unchanged = 0;
    for (const entry of current) {
      const mine = ours.get(entry);
      const other = theirs.get(entry);
      const changes = mine === undefined ? [] : changesBetween(mine, entry);
      if (mine !== undefined && changes.length === 0) unchanged += 1;
      // A server would take an update into somebody else's grant, and then two owners fight over one identity.
      else if (other !== undefined && (mine === undefined || grantOf(mine) !== grantOf(entry))) {
        held.push({ entry, other, changes: changesBetween(other, entry) });
      } else if (mine === undefined) create.push(entry);
      else update.push({ entry: { ...entry, entryId: mine.entryId }, changes });
    }
    return {
      owner,
      create,
      update,
      delete: prune ? rest : [],
      unchanged,
      left: prune ? [] : rest,
      held,
      expired: wanted.filter(isOver),
    };
  }

  return { see, finish };
}

/** How many entries a plan changes. */
export function sizeOf(plan: Plan): number {
  return plan.create.length + plan.update.length + plan.delete.length;
}

/** The entries of others that stand in the way of what is wanted. */
export function conflictsOf({ held }: Plan): readonly Held[] {
  return held.filter(({ changes }) => changes.length > 0);
}
