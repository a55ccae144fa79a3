// As much of a SPIRE server as the command asks, in this process, on a unix socket or behind mTLS: it keeps entries as SPIRE 1.15 does, and does
// wrong on demand.

import { once } from 'node:events';
import { createServer, type ServerHttp2Session } from 'node:http2';
import { join } from 'node:path';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { authorizeAny, type X509Source } from 'ephemos';
import { createHttp2Server } from 'ephemos/http2';
import { grantOf } from '../../src/entries/entry.ts';
import { Agent } from '../../src/spire-server/spire/api/server/agent/v1/agent_pb.ts';
import { Bundle } from '../../src/spire-server/spire/api/server/bundle/v1/bundle_pb.ts';
import { Entry } from '../../src/spire-server/spire/api/server/entry/v1/entry_pb.ts';
import type { AgentSchema } from '../../src/spire-server/spire/api/types/agent_pb.ts';
import type { BundleSchema } from '../../src/spire-server/spire/api/types/bundle_pb.ts';
import { EntrySchema, type Entry as WireEntry } from '../../src/spire-server/spire/api/types/entry_pb.ts';
import { fromWire } from '../../src/spire-server/wire.ts';
import { openDirectory } from './directory.ts';

/** A server, and what a test does to it. */
export interface FakeSpireServer extends AsyncDisposable {
  /** As `--server` takes it. */
  readonly address: string;
  /** By entry ID, in the order in which they were created. */
  readonly entries: Map<string, WireEntry>;
  readonly agents: MessageInitShape<typeof AgentSchema>[];
  bundle: MessageInitShape<typeof BundleSchema>;
  /** The methods that were called. */
  readonly calls: string[];
  /** The sizes of the batches that were sent. */
  readonly batches: number[];
  /** What every call fails with. */
  failWith: ConnectError | undefined;
  /** Refuses entries of a batch: a message for those that it does not like. */
  refuse: (entry: WireEntry) => string | undefined;
  /** Called before a method runs. */
  before: (method: string) => Promise<void> | void;
  /** Adds an entry that nobody owns. */
  add(entry: MessageInitShape<typeof EntrySchema>): WireEntry;
  /** Ends every connection after the calls that are under way, as SPIRE does over TLS after three minutes. */
  goAway(): void;
  /** Breaks every connection off. */
  disconnect(): void;
}

const FEDERATED: ReadonlySet<string> = new Set(['partner.example']);

/** Starts a server. @param source its identity, for mTLS; without it on a unix socket */
export async function openSpireServer(source?: X509Source): Promise<FakeSpireServer> {
  const directory = await openDirectory();
  const path = join(directory.path, 'api.sock');
  const sessions = new Set<ServerHttp2Session>();
  let made = 0;
  const state: Omit<FakeSpireServer, keyof AsyncDisposable> = {
    address: `unix://${path}`,
    goAway: () => {
      for (const session of sessions) session.close();
    },
    entries: new Map(),
    agents: [],
    bundle: { trustDomain: 'example.org' },
    calls: [],
    batches: [],
    failWith: undefined,
    refuse: () => undefined,
    before: () => undefined,
    add(entry) {
      const full = create(EntrySchema, { id: `00000000-0000-4000-8000-${String(++made).padStart(12, '0')}`, ...entry });
      state.entries.set(full.id, full);
      return full;
    },
    disconnect() {
      for (const session of sessions) session.destroy();
    },
  };
  const fake: FakeSpireServer = Object.assign(state, {
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      server.close();
      await directory[Symbol.asyncDispose]();
    },
  });
  const handler = connectNodeAdapter({ routes: (router) => routes(router, fake) });
  const server = source === undefined ? createServer(handler) : createHttp2Server({ source, authorize: authorizeAny() }, handler);
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session);
    session.on('error', () => undefined).on('close', () => sessions.delete(session));
  });
  await once(source === undefined ? server.listen(path) : server.listen(0, '127.0.0.1'), 'listening');
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? Object.assign(fake, { address: `127.0.0.1:${bound.port}` }) : fake;
}

function routes(router: ConnectRouter, fake: FakeSpireServer): void {
  const enter = async (method: string): Promise<void> => {
    fake.calls.push(method);
    await fake.before(method);
    if (fake.failWith !== undefined) throw fake.failWith;
  };
  router.service(Entry, {
    async countEntries() {
      await enter('countEntries');
      return { count: fake.entries.size };
    },
    async listEntries({ filter, pageSize, pageToken }) {
      await enter('listEntries');
      const same = (wanted: { trustDomain: string; path: string } | undefined, given: { trustDomain: string; path: string } | undefined) =>
        wanted === undefined || (wanted.trustDomain === given?.trustDomain && wanted.path === given.path);
      const all = [...fake.entries.values()].filter(
        (entry) => same(filter?.bySpiffeId, entry.spiffeId) && same(filter?.byParentId, entry.parentId),
      );
      const from = Number(pageToken || 0);
      // As SPIRE does: a full page has a next one, if only an empty one.
      const entries = all.slice(from, from + pageSize);
      return { entries, nextPageToken: entries.length === pageSize ? String(from + pageSize) : '' };
    },
    async getEntry({ id }) {
      await enter('getEntry');
      const entry = fake.entries.get(id);
      if (entry === undefined) throw new ConnectError('entry not found', Code.NotFound);
      return entry;
    },
    async batchCreateEntry({ entries }) {
      await enter('batchCreateEntry');
      fake.batches.push(entries.length);
      return {
        results: entries.map((entry) => {
          const similar = [...fake.entries.values()].find((other) => grantOf(fromWire(other)) === grantOf(fromWire(entry)));
          if (similar !== undefined)
            return { status: { code: Code.AlreadyExists, message: 'similar entry already exists' }, entry: { id: similar.id } };
          const refused = refusal(fake, entry);
          if (refused !== undefined) return { status: refused };
          fake.entries.set(entry.id, entry);
          return { status: { code: 0 }, entry: { id: entry.id } };
        }),
      };
    },
    async batchUpdateEntry({ entries }) {
      await enter('batchUpdateEntry');
      fake.batches.push(entries.length);
      return {
        results: entries.map((entry) => {
          const old = fake.entries.get(entry.id);
          if (old === undefined) return { status: { code: Code.NotFound, message: 'failed to update entry: record not found' } };
          const refused = refusal(fake, entry);
          if (refused !== undefined) return { status: refused };
          const kept = old.additionalAttributes === undefined ? {} : { additionalAttributes: old.additionalAttributes };
          fake.entries.set(entry.id, { ...entry, ...kept, revisionNumber: old.revisionNumber + 1n });
          return { status: { code: 0 }, entry: { id: entry.id } };
        }),
      };
    },
    async batchDeleteEntry({ ids }) {
      await enter('batchDeleteEntry');
      fake.batches.push(ids.length);
      return { results: ids.map((id) => ({ id, status: { code: fake.entries.delete(id) ? 0 : Code.NotFound } })) };
    },
  });
  router.service(Agent, {
    async listAgents() {
      await enter('listAgents');
      return { agents: fake.agents };
    },
    async deleteAgent({ id }) {
      await enter('deleteAgent');
      const index = fake.agents.findIndex((agent) => agent.id?.path === id?.path);
      if (index === -1) throw new ConnectError('agent not found', Code.NotFound);
      fake.agents.splice(index, 1);
      return {};
    },
    async createJoinToken({ ttl, agentId }) {
      await enter(`createJoinToken ${ttl} ${agentId?.path ?? ''}`.trim());
      return { value: 'c0ffee00-0000-4000-8000-000000000000', expiresAt: 1_800_000_000n };
    },
  });
  router.service(Bundle, {
    async getBundle() {
      await enter('getBundle');
      return fake.bundle;
    },
  });
}

function refusal(fake: FakeSpireServer, entry: WireEntry): { code: number; message: string } | undefined {
  const unknown = entry.federatesWith.find((name) => !FEDERATED.has(name));
  if (unknown !== undefined)
    return { code: Code.Internal, message: `failed to create entry: unable to find federated bundle "spiffe://${unknown}"` };
  const message = fake.refuse(entry);
  return message === undefined ? undefined : { code: Code.InvalidArgument, message };
}
