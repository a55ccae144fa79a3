// A deployment and one of its servers in; the text of its server.conf out.
import { block, type HclPart, note, set, writeHcl } from '../hcl/write-hcl.ts';
import { SPIRE_VERSION } from './known-keys.ts';
import { listenerParts } from './listeners.ts';
import { bundlePublisher, dataStore, keyManager, nodeAttestor, upstreamAuthority } from './server-plugins.ts';
import type { Spire, SpireServer } from './spire.ts';

// server.CheckHealth asks its own API for the bundle, for both.
const LIVE_REMARK =
  '/live fails together with /ready, also when only the database is away: a probe that restarts the server on it needs patience.';

/** Renders the configuration of a server. Equal for servers that differ only in name and host. */
export function serverConf(spire: Spire, server: SpireServer): string {
  const { store } = spire;
  const command = store.kind === 'postgres' ? 'spire-server run -expandEnv -config server.conf' : 'spire-server run -config server.conf';
  return writeHcl([
    note(
      `SPIRE server of the trust domain ${spire.domain}, for SPIRE ${SPIRE_VERSION}. Rendered from spire.yaml: change that and render again.`,
    ),
    note(`Run it with: ${command}`),
    ...(store.kind === 'postgres'
      ? [
          note(
            `${store.variable} has to hold the password of the database: no secret stands in this file. Letters and digits only, since it becomes a part of a text here.`,
          ),
        ]
      : []),
    block('server', '', [...place(spire, server), ...authority(spire), ...protection(spire)]),
    block('plugins', '', [
      ...dataStore(spire, server),
      ...keyManager(spire, server),
      ...upstreamAuthority(spire),
      ...nodeAttestor(spire),
      ...bundlePublisher(spire),
    ]),
    ...listenerParts(server, LIVE_REMARK),
  ]);
}

function place({ domain, logs: { level, format } }: Spire, { address, port, socket, data }: SpireServer): readonly HclPart[] {
  return [
    set('trust_domain', domain),
    set('data_dir', data),
    set('log_level', level.toUpperCase()),
    set('log_format', format),
    note('A line for every call of the API: who created which entry, which agent was attested.'),
    set('audit_log_enabled', true),
    note('Agents connect here, over TLS that ends in the server.'),
    set('bind_address', address),
    set('bind_port', port),
    note('Whoever opens this socket administers the trust domain: its directory belongs to the server alone.'),
    set('socket_path', socket),
  ];
}

function authority({ subject, lives, upstream }: Spire): readonly HclPart[] {
  const outlived = upstream === undefined ? '' : ' The upstream authority has to be good for longer than this.';
  return [
    block('ca_subject', '', [set('country', subject.country), set('organization', subject.organization), set('common_name', subject.name)]),
    note(
      `The next authority is made after half of this, and signs from five sixths on: no SVID may live longer than the last sixth.${outlived}`,
    ),
    set('ca_ttl', lives.authority),
    set('ca_key_type', 'ec-p256'),
    note('Workloads get a new X.509-SVID after half of its life. A JWT-SVID cannot be taken back, so it is short.'),
    set('default_x509_svid_ttl', lives.x509),
    set('default_jwt_svid_ttl', lives.jwt),
    note('An agent whose own SVID expires has to be attested again. The servers may be away for half of this at the least.'),
    set('agent_ttl', lives.agent),
  ];
}

function protection({ balancer }: Spire): readonly HclPart[] {
  return [
    note(
      'One attestation a second and 500 signatures a second for one address. These are the defaults of SPIRE, said so that nobody turns them off unseen.',
    ),
    block('ratelimit', '', [set('attestation', true), set('signing', true)]),
    ...(balancer === undefined
      ? []
      : [
          note('The balancer says whom it speaks for (PROXY protocol). Without this all agents would share the limits of one address.'),
          set('proxy_protocol_trusted_cidrs', balancer.sources),
        ]),
    note(
      'Records of agents that have not been heard of for a week after their SVID expired are removed; those who return are attested anew.',
    ),
    set('prune_attested_nodes_expired_for', '168h'),
  ];
}
