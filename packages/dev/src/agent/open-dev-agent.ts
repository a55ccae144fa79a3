// Opens a development agent: a trust domain with its CA, served as a SPIFFE Workload API from sockets in one private directory.
import { join } from 'node:path';
import { EphemosError } from 'ephemos/errors';
import { SpiffeId, TrustDomain } from 'ephemos/spiffe';
import { parseAuthorityOptions } from '../authority/authority-options.ts';
import { createCertificateAuthority } from '../authority/certificate-authority.ts';
import { type Identity, parseEntry } from '../registry/entry.ts';
import type { Fault } from '../registry/fault.ts';
import { createRegistry } from '../registry/registry.ts';
import { announceChanges } from './announce.ts';
import { listenControl } from './control-server.ts';
import type { DevAgent, DevAgentOptions, DevIdentity } from './dev-agent.ts';
import { createEndpoints, socketName } from './endpoints.ts';
import type { DevAgentEvent } from './event.ts';
import { type Faults, parseFault } from './faults.ts';
import { openPeerCredentials } from './peer-credentials.ts';
import { rotateByItself } from './rotation.ts';
import { openSocketDirectory } from './socket-directory.ts';
import { checkSocketPath } from './unix-listener.ts';

/** How long a client needs to put a bundle to use after it was sent, in milliseconds. */
const settleMs = 200;

/** Longest time a restart may stay down, in seconds. */
const maxDownSeconds = 3600;

/**
 * Opens an agent. It rotates SVIDs by itself at half their life.
 * @throws {EphemosError} ERR_TRUST_DOMAIN_INVALID, ERR_SPIFFE_ID_INVALID, ERR_OPTION_INVALID, ERR_ENDPOINT_INVALID
 * @example
 * await using agent = await openDevAgent({ trustDomain: 'example.org' })
 * const endpoint = await agent.endpointFor('spiffe://example.org/web')
 */
export async function openDevAgent(options: DevAgentOptions): Promise<DevAgent> {
  const trustDomain = parseTrustDomain(options.trustDomain);
  const entries = (options.identities ?? []).map((entry) => parseEntry(entry, trustDomain));
  const authority = createCertificateAuthority({ trustDomain, ...parseAuthorityOptions(options) });
  const registry = createRegistry(authority, settleMs);
  const directory = await openSocketDirectory(options.directory);
  const closing = new AbortController();
  const cleanUp: (() => Promise<void>)[] = [() => directory.remove()];

  function emit(event: DevAgentEvent): void {
    try {
      options.onEvent?.(Object.freeze(event));
    } catch {
      // Whoever listens must not stop the agent.
    }
  }

  function setFault(fault: Fault | undefined): void {
    registry.setFault(fault);
    emit({ type: 'fault', fault });
  }

  function isPresent(id: SpiffeId): boolean {
    return registry.state.current.identities.some(({ entry }) => entry.id.equals(id));
  }

  function present(id: SpiffeId): SpiffeId {
    if (isPresent(id)) return id;
    throw new EphemosError('ERR_IDENTITY_NOT_FOUND', `${id} is not registered`, { hint: 'list the identities, or register it' });
  }

  let closed: Promise<void> | undefined;
  function close(): Promise<void> {
    closed ??= (async () => {
      closing.abort();
      for (const step of cleanUp.toReversed()) await step();
    })();
    return closed;
  }

  const endpoints = createEndpoints(registry, directory.path, emit);
  cleanUp.push(() => endpoints.close());
  const shared: { endpoint?: string; unavailable?: string } = {};

  const agent: DevAgent = {
    trustDomain,
    directory: directory.path,
    get sharedEndpoint() {
      return shared.endpoint;
    },
    get sharedUnavailable() {
      return shared.unavailable;
    },
    async endpointFor(ids) {
      const wanted = (typeof ids === 'string' || ids instanceof SpiffeId ? [ids] : ids).map((id) => parseEntry({ id }, trustDomain));
      for (const { id } of wanted) if (!isPresent(id)) await agent.register({ id });
      return endpoints.open(wanted.map(({ id }) => id));
    },
    async register(entry) {
      const identity = await registry.add(parseEntry(entry, trustDomain));
      emit({ type: 'registered', id: identity.entry.id.toString(), hint: identity.entry.hint });
      return describe(identity);
    },
    async remove(id) {
      const { length } = await registry.remove(parseId(id));
      if (length > 0) emit({ type: 'removed', id: String(id) });
      return length > 0;
    },
    identities: () => registry.state.current.identities.map(describe),
    rotate: async (id) => registry.rotate(id === undefined ? undefined : present(parseId(id))),
    rotateAuthority: (how) => registry.rotateAuthority(how),
    retireAuthorities: () => registry.retireAuthorities(),
    bundleDer: () => authority.authorities(),
    federate(name, authoritiesDer) {
      const foreign = parseTrustDomain(name);
      registry.federate(foreign, Object.freeze([...authoritiesDer]));
      emit({ type: 'federated', trustDomain: foreign.name });
    },
    unfederate(name) {
      const foreign = parseTrustDomain(name);
      registry.federate(foreign, undefined);
      emit({ type: 'unfederated', trustDomain: foreign.name });
    },
    faults: Object.freeze<Faults>({
      dropStreams(how = 'end') {
        if (how === 'reset') endpoints.dropConnections();
        else registry.endStreams();
        emit({ type: 'streams-dropped' });
      },
      refuse: (code) => setFault(code === undefined ? undefined : parseFault({ kind: 'refuse', code })),
      malformed: (what) => setFault(parseFault({ kind: 'malformed', what })),
      oversized: (bytes) => setFault(parseFault({ kind: 'oversized', bytes })),
      emptySvids: () => setFault({ kind: 'empty-svids' }),
      expire: async (id) => registry.expire(present(parseId(id))),
      hang: () => setFault({ kind: 'hang' }),
      set: setFault,
      clear: () => setFault(undefined),
    }),
    async restart({ downSeconds = 0 } = {}) {
      if (!(downSeconds >= 0 && downSeconds <= maxDownSeconds)) {
        throw new EphemosError('ERR_OPTION_INVALID', `downSeconds must be from 0 to ${maxDownSeconds}`);
      }
      emit({ type: 'restarting', downSeconds });
      await endpoints.restart(downSeconds);
      emit({ type: 'restarted' });
    },
    close,
    [Symbol.asyncDispose]: close,
  };

  try {
    checkSocketPath(join(directory.path, socketName([])));
    const control = await listenControl(directory.path, agent);
    cleanUp.push(() => control.close());
    void announceChanges(registry, closing.signal, emit);
    void rotateByItself(registry, { signal: closing.signal, onError: (error) => emit({ type: 'failed', what: 'rotation', error }) });
    const credentials = await openPeerCredentials();
    if ('read' in credentials) shared.endpoint = await endpoints.openShared(credentials.read);
    else shared.unavailable = credentials.unavailable;
    for (const entry of entries) await agent.register(entry);
    return agent;
  } catch (error) {
    await close();
    throw error;
  }
}

function describe({ entry, svid }: Identity): DevIdentity {
  return Object.freeze({ ...entry, expiresAt: new Date(svid.expiresAt) });
}

function parseId(id: string | SpiffeId): SpiffeId {
  return typeof id === 'string' ? SpiffeId.parse(id) : id;
}

function parseTrustDomain(name: string | TrustDomain): TrustDomain {
  return typeof name === 'string' ? TrustDomain.parse(name) : name;
}
