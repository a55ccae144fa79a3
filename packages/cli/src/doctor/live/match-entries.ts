// Registration entries against what an agent sees of a process: those that fit, and those that come nearest, with what each lacks.
import type { Entry } from '../../entries/entry.ts';

/** What is known of the process. */
export interface Seen {
  readonly selectors: readonly string[];
  /** Whether that is all: the agent said so itself. */
  readonly complete: boolean;
  /** What there is beside, if the attestor is told to look. */
  readonly conditional: readonly string[];
}

/** An entry and its selectors. An agent gives out an entry when it sees every one of them. */
export interface Comparison {
  readonly entry: Entry;
  readonly matched: readonly string[];
  /** The process has them not. */
  readonly different: readonly string[];
  /** It has them if the agent looks, as at the path of the program. */
  readonly conditional: readonly string[];
  /** Of other attestors, which only the agent can tell. */
  readonly unknown: readonly string[];
}

/** Kept of each kind. */
const KEPT = 5;

/** Takes in entries one by one, and keeps few. */
export interface EntryMatcher {
  see(entry: Entry): void;
  /** All of whose selectors the process has. */
  readonly fitting: readonly Comparison[];
  /** The nearest of the others, the best first. */
  nearest(): readonly Comparison[];
  /** Entries for nodes: names that several agents may share. */
  readonly aliases: readonly Entry[];
  readonly count: number;
}

/** Most aliases that are kept. */
const MAX_ALIASES = 10_000;

/** Makes a matcher. @param wanted the SPIFFE ID that the process should get: its entries come first */
export function createEntryMatcher(seen: Seen, wanted: string | undefined): EntryMatcher {
  const fitting: Comparison[] = [];
  const aliases: Entry[] = [];
  let near: readonly Comparison[] = [];
  let count = 0;
  return {
    fitting,
    aliases,
    get count() {
      return count;
    },
    see(entry) {
      count += 1;
      if (isAlias(entry)) {
        if (aliases.length < MAX_ALIASES) aliases.push(entry);
        return;
      }
      const comparison = compare(entry, seen);
      if (lacks(comparison) > 0) near = [...near, comparison].sort((a, b) => rank(a, b, wanted)).slice(0, KEPT);
      else if (fitting.length < KEPT) fitting.push(comparison);
    },
    // An entry of somebody else is not to be changed; and of a large server most have nothing to do with this process.
    nearest: () =>
      near.filter(({ entry, matched }) => (wanted === undefined ? matched.length > 0 || count <= KEPT : entry.spiffeId === wanted)),
  };
}

/** Compares one entry. */
export function compare(entry: Entry, { selectors, complete, conditional }: Seen): Comparison {
  const has = new Set(selectors);
  const lacking = entry.selectors.filter((each) => !has.has(each));
  const may = new Set(complete ? [] : lacking.filter((each) => conditional.includes(each)));
  const unknown = new Set(complete ? [] : lacking.filter((each) => !may.has(each) && isUnknown(each)));
  return {
    entry,
    matched: entry.selectors.filter((each) => has.has(each)),
    different: lacking.filter((each) => !may.has(each) && !unknown.has(each)),
    conditional: [...may],
    unknown: [...unknown],
  };
}

/** How many selectors are not known to fit. */
export function lacks({ different, conditional, unknown }: Comparison): number {
  return different.length + conditional.length + unknown.length;
}

/** The parent of node entries. */
export function isAlias({ parentId }: Entry): boolean {
  return /^spiffe:\/\/[^/]+\/spire\/server$/.test(parentId);
}

function isUnknown(selector: string): boolean {
  return !selector.startsWith('unix:') || selector.startsWith('unix:sha256:');
}

function rank(a: Comparison, b: Comparison, wanted: string | undefined): number {
  const isWanted = ({ entry }: Comparison): number => (entry.spiffeId === wanted ? 1 : 0);
  return (
    isWanted(b) - isWanted(a) ||
    a.different.length - b.different.length ||
    lacks(a) - lacks(b) ||
    b.matched.length - a.matched.length ||
    (a.entry.entryId < b.entry.entryId ? -1 : 1)
  );
}
