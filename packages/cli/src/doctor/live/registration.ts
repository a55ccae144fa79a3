// What SPIRE's server has for this process: its address in; its trust domain, its agents and the entries that come near out.
import type { Context } from '../../context.ts';
import type { Entry } from '../../entries/entry.ts';
import { reportOf } from '../../output/error.ts';
import { type Comparison, createEntryMatcher, type Seen } from './match-entries.ts';

/** Most entries that are looked at, and agents. */
const MAX_SEEN = 100_000;
/** The lists may take so many times what one answer may. */
const LISTING_TIMES = 4;

/** An agent that the server has attested. */
export interface KnownAgent {
  readonly spiffeId: string;
  readonly banned: boolean;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly attestationType: string;
  readonly selectors: readonly string[];
}

/** What the server has, or why it could not be asked. */
export type Registration =
  | { readonly failure: { readonly message: string; readonly hint: string | null } }
  | {
      readonly failure?: undefined;
      readonly trustDomain: string;
      readonly agents: readonly KnownAgent[];
      readonly aliases: readonly Entry[];
      readonly fitting: readonly Comparison[];
      readonly nearest: readonly Comparison[];
      readonly entries: number;
      /** False when there were too many to look at all. */
      readonly complete: boolean;
    };

/** How the server is asked. */
export interface RegistrationQuestion {
  readonly server: string | undefined;
  /** The Workload API, for mTLS. */
  readonly socket: string | undefined;
  readonly timeout: number;
  readonly seen: Seen;
  readonly wanted: string | undefined;
}

/** Asks the server. An address that is none is the only thing that throws. @throws {CommandError} ERR_SERVER_ADDRESS_* */
export async function readRegistration(question: RegistrationQuestion, { env }: Pick<Context, 'env'>): Promise<Registration> {
  const { resolveServer } = await import('../../spire-server/address.ts');
  const { openServer } = await import('../../spire-server/open-server.ts');
  const { fromWireId } = await import('../../spire-server/wire.ts');
  const { server, socket, timeout, seen, wanted } = question;
  const address = resolveServer(server, env);
  const until = performance.now() + LISTING_TIMES * timeout;
  const isOver = (count: number): boolean => count >= MAX_SEEN || performance.now() > until;
  try {
    await using open = await openServer({ address, socket, as: undefined, timeout });
    const trustDomain = await open.fetchTrustDomain();
    const agents: KnownAgent[] = [];
    for await (const page of open.listAgents()) {
      for (const { id, banned, x509svidExpiresAt, attestationType, selectors } of page) {
        const expiresAt = Number(x509svidExpiresAt) * 1000;
        const spiffeId = fromWireId(id);
        agents.push({ spiffeId, banned, expiresAt, attestationType, selectors: selectors.map(({ type, value }) => `${type}:${value}`) });
      }
      if (isOver(agents.length)) break;
    }
    const matcher = createEntryMatcher(seen, wanted);
    let complete = true;
    for await (const page of open.listEntries()) {
      for (const entry of page) matcher.see(entry);
      if (!isOver(matcher.count)) continue;
      complete = false;
      break;
    }
    const { fitting, aliases, count } = matcher;
    return { trustDomain, agents, aliases, fitting, nearest: matcher.nearest(), entries: count, complete };
  } catch (error) {
    const { message, hint } = reportOf(error);
    return { failure: { message, hint } };
  }
}

type Reached = Extract<Registration, { readonly trustDomain: string }>;

/** The agents that may be the one of this machine. @param agentId the one, where its log says */
export function liveAgents({ agents }: Reached, agentId: string | undefined, now: number): readonly KnownAgent[] {
  const live = agents.filter(({ banned, expiresAt }) => !banned && expiresAt > now);
  return agentId === undefined ? live : live.filter(({ spiffeId }) => spiffeId === agentId);
}

/** Whether one of the agents gets the entries below this parent: it is the parent, or an alias of it is. */
export function reachesAgent(parentId: string, { aliases }: Reached, agents: readonly KnownAgent[]): boolean {
  if (agents.some(({ spiffeId }) => spiffeId === parentId)) return true;
  return aliases.some(
    (alias) =>
      alias.spiffeId === parentId && agents.some(({ selectors }) => alias.selectors.every((selector) => selectors.includes(selector))),
  );
}
