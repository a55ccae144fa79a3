// The Workload API sockets of an agent: one for each set of identities, and one that callers share.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { EphemosError } from 'ephemos/errors';
import type { SpiffeId } from 'ephemos/spiffe';
import { entryFits } from '../registry/entry.ts';
import type { Registry, Snapshot } from '../registry/registry.ts';
import { createTurns } from '../registry/turns.ts';
import { firstOfEach, identitiesOfIds } from '../registry/view.ts';
import type { OnDevAgentEvent } from './event.ts';
import type { ReadCaller } from './peer-credentials.ts';
import { listenUnix, type UnixListener } from './unix-listener.ts';
import { serveWorkloadApi } from './workload-api.ts';

/** The sockets of one agent. */
export interface Endpoints {
  /** Opens the socket of these identities, unless it is open. Resolves with its address, `unix:///…`. */
  open(ids: readonly SpiffeId[]): Promise<string>;
  /** Opens the socket whose callers are told apart by their credentials. */
  openShared(read: ReadCaller): Promise<string>;
  dropConnections(): void;
  /** Closes every socket, waits and opens them again. */
  restart(downSeconds: number): Promise<void>;
  close(): Promise<void>;
}

interface Endpoint {
  readonly path: string;
  readonly address: string;
  readonly listen: () => Promise<UnixListener>;
  listener: UnixListener;
}

/** The file name of the socket of a set of identities: short, and the same after a restart. */
export function socketName(ids: readonly SpiffeId[]): string {
  const names = [...new Set(ids.map(String))].sort();
  return `w-${createHash('sha256').update(names.join('\n')).digest('hex').slice(0, 16)}.sock`;
}

/** The sockets are made in `directory`. */
export function createEndpoints(registry: Registry, directory: string, onEvent: OnDevAgentEvent): Endpoints {
  const endpoints = new Map<string, Endpoint>();
  const inTurn = createTurns();
  const closing = new AbortController();
  let number = 0;
  const nextNumber = () => ++number;

  async function openAt(name: string, listenAt: (path: string, endpoint: string) => Promise<UnixListener>): Promise<string> {
    if (closing.signal.aborted) throw new EphemosError('ERR_WORKLOAD_API_UNAVAILABLE', 'the development agent was closed');
    const path = join(directory, name);
    const present = endpoints.get(path);
    if (present) return present.address;
    const address = unixAddress(path);
    const listen = () => listenAt(path, address);
    endpoints.set(path, { path, address, listen, listener: await listen() });
    return address;
  }

  return {
    open: (ids) =>
      inTurn(() =>
        openAt(socketName(ids), (path, endpoint) => {
          const connection = { registry, endpoint, caller: undefined, identitiesOf: identitiesOfIds(ids), nextNumber, onEvent };
          return listenUnix(path, (socket) => serveWorkloadApi(socket, connection));
        }),
      ),
    openShared: (read) =>
      inTurn(() =>
        openAt('agent.sock', (path, endpoint) =>
          listenUnix(path, (socket) => {
            const caller = read(socket);
            const identitiesOf = (snapshot: Snapshot) =>
              caller === undefined ? [] : firstOfEach(snapshot, ({ entry }) => entryFits(entry, caller));
            serveWorkloadApi(socket, { registry, endpoint, caller, identitiesOf, nextNumber, onEvent });
          }),
        ),
      ),
    dropConnections() {
      for (const { listener } of endpoints.values()) listener.dropConnections();
    },
    restart: (downSeconds) =>
      inTurn(async () => {
        await Promise.all([...endpoints.values()].map(({ listener }) => listener.close()));
        if (downSeconds > 0) await setTimeout(downSeconds * 1000, undefined, { signal: closing.signal }).catch(() => undefined);
        if (closing.signal.aborted) return;
        for (const endpoint of endpoints.values()) endpoint.listener = await endpoint.listen();
      }),
    close() {
      closing.abort();
      return inTurn(async () => {
        await Promise.all([...endpoints.values()].map(({ listener }) => listener.close()));
        endpoints.clear();
      });
    },
  };
}

/** A path as SPIFFE_ENDPOINT_SOCKET wants it: percent-encoded where a URI needs it. */
function unixAddress(path: string): string {
  return `unix://${pathToFileURL(path).pathname}`;
}
