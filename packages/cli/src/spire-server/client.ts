// The typed client of SPIRE's server: a transport in, its methods out.
import { createClient, type Transport } from '@connectrpc/connect';
import { createCall, DONE, orNone, outcomes, pages } from './call.ts';
import type { Caller } from './explain-failure.ts';
import type { SpireServer } from './server.ts';
import { Agent } from './spire/api/server/agent/v1/agent_pb.ts';
import { Bundle } from './spire/api/server/bundle/v1/bundle_pb.ts';
import { Entry } from './spire/api/server/entry/v1/entry_pb.ts';
import { fromWire, managedFields, noFields, toWire, toWireId } from './wire.ts';

/** So many entries or agents are asked for at once. */
export const PAGE_SIZE = 500;
// google.rpc.Code
const NOT_FOUND = 5;

/** What a client goes by. */
export interface ClientOptions {
  readonly caller: Caller;
  close(): Promise<void>;
}

/** Makes a client. */
export function createServerClient(transport: Transport, { caller, close }: ClientOptions): SpireServer {
  const [entries, agents, bundles] = [createClient(Entry, transport), createClient(Agent, transport), createClient(Bundle, transport)];
  const call = createCall(caller);
  return {
    fetchTrustDomain: async () => (await call(() => bundles.getBundle({ outputMask: {} }))).trustDomain,
    fetchBundle: () => call(() => bundles.getBundle({})),
    countEntries: async () => (await call(() => entries.countEntries({}))).count,
    listEntries({ spiffeId, parentId } = {}) {
      const filter = {
        ...(spiffeId === undefined ? {} : { bySpiffeId: toWireId(spiffeId) }),
        ...(parentId === undefined ? {} : { byParentId: toWireId(parentId) }),
      };
      return pages(async (pageToken) => {
        const page = await call(() => entries.listEntries({ filter, pageSize: PAGE_SIZE, pageToken }));
        return { items: page.entries.map(fromWire), nextPageToken: page.nextPageToken };
      });
    },
    async fetchEntry(id) {
      const found = await call(() => orNone(entries.getEntry({ id })));
      return found === undefined ? undefined : fromWire(found);
    },
    async createEntries(wanted) {
      const request = { entries: wanted.map(toWire), outputMask: noFields() };
      const { results } = await call(() => entries.batchCreateEntry(request));
      // One that exists under the ID that we gave it was created before the connection was lost.
      const statuses = results.map(({ status, entry }, index) => (entry?.id === wanted[index]?.entryId ? DONE : status));
      return outcomes(wanted, statuses);
    },
    async updateEntries(wanted) {
      const request = { entries: wanted.map(toWire), inputMask: managedFields(), outputMask: noFields() };
      const { results } = await call(() => entries.batchUpdateEntry(request));
      return outcomes(
        wanted,
        results.map(({ status }) => status),
      );
    },
    async deleteEntries(unwanted) {
      const { results } = await call(() => entries.batchDeleteEntry({ ids: unwanted.map(({ entryId }) => entryId) }));
      const statuses = results.map(({ status }) => (status?.code === NOT_FOUND ? DONE : status));
      return outcomes(unwanted, statuses);
    },
    listAgents: () =>
      pages(async (pageToken) => {
        const page = await call(() => agents.listAgents({ pageSize: PAGE_SIZE, pageToken }));
        return { items: page.agents, nextPageToken: page.nextPageToken };
      }),
    evictAgent: async (spiffeId) => (await call(() => orNone(agents.deleteAgent({ id: toWireId(spiffeId) })))) !== undefined,
    async createJoinToken(ttl, spiffeId) {
      const request = { ttl, ...(spiffeId === undefined ? {} : { agentId: toWireId(spiffeId) }) };
      const { value, expiresAt } = await call(() => agents.createJoinToken(request));
      return { value, expiresAt: Number(expiresAt) };
    },
    [Symbol.asyncDispose]: close,
  };
}
