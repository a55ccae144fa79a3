// A deployment in; the plugins of its servers out.
import { block, type HclPart, map, note, set } from '../hcl/write-hcl.ts';
import type { ServerKeys, Spire, SpireServer } from './spire.ts';

/** Where entries and agents are kept. */
export function dataStore({ store }: Spire, { data }: SpireServer): readonly HclPart[] {
  if (store.kind === 'sqlite') {
    return [
      note('A file, for one server: it cannot be shared.'),
      plugin('DataStore', 'sql', [set('database_type', 'sqlite3'), set('connection_string', `${data}/datastore.sqlite3`)]),
    ];
  }
  const { host, port, database, user, variable, roots, connections } = store;
  const before = `dbname=${database} user=${user} password=`;
  const after = ` host=${host} port=${port} sslmode=verify-full sslrootcert=${roots} connect_timeout=5`;
  return [
    plugin('DataStore', 'sql', [
      set('database_type', 'postgres'),
      note(
        'verify-full: the certificate of the database has to name its host. Without sslmode the connection would be encrypted, and to anybody.',
      ),
      set('connection_string', { environment: [before, { variable }, after] }),
      note('Together all servers have to stay below max_connections of the database; SPIRE would take 100 each.'),
      set('max_open_conns', connections),
      set('max_idle_conns', Math.max(1, Math.floor(connections / 4))),
      note('A database that was moved, or a password that was changed, is noticed within this time.'),
      set('conn_max_lifetime', '30m'),
    ]),
  ];
}

/** Where the keys are that the server signs with. */
export function keyManager({ keys }: Spire, { data }: SpireServer): readonly HclPart[] {
  if (keys.kind === 'disk') {
    return [
      note(
        'Each server has keys of its own, and keeps them over a restart: with "memory" each start would add an authority that nobody knows yet.',
      ),
      plugin('KeyManager', 'disk', [set('keys_path', `${data}/keys.json`)]),
    ];
  }
  return [
    note(
      'The keys never leave the key service. The file tells servers apart: one that is lost means new keys, and old ones that have to be cleared away.',
    ),
    plugin('KeyManager', keys.kind, [...keyService(keys), set('key_identifier_file', `${data}/key-identifier`)]),
  ];
}

function keyService(keys: Exclude<ServerKeys, { readonly kind: 'disk' }>): readonly HclPart[] {
  switch (keys.kind) {
    case 'aws_kms':
      return [
        set('region', keys.region),
        note(
          'Finds keys by their tags; the older way, by alias, ends with a later SPIRE. Has to be the same on all servers, and needs tag:GetResources.',
        ),
        set('enable_tag_based_key_discovery', true),
        ...policy(keys.policy),
      ];
    case 'gcp_kms':
      return [set('key_ring', keys.ring), ...policy(keys.policy)];
    case 'azure_key_vault':
      return [set('key_vault_uri', keys.vault)];
  }
}

function policy(path: string | undefined): readonly HclPart[] {
  return path === undefined ? [] : [set('key_policy_file', path)];
}

/** Who signs the authorities of the servers. */
export function upstreamAuthority({ upstream }: Spire): readonly HclPart[] {
  if (upstream === undefined) return [];
  return [
    note(
      'Every server signs under this authority, so that all have one bundle: the offline authorities. It is read again whenever it is needed, and can be replaced while the server runs.',
    ),
    plugin('UpstreamAuthority', 'disk', [
      set('cert_file_path', upstream.certificate),
      set('key_file_path', upstream.key),
      note('The authorities that signed it. Their keys are nowhere on this machine.'),
      set('bundle_file_path', upstream.roots),
    ]),
  ];
}

/** How agents prove where they run. */
export function nodeAttestor({ nodes }: Spire): readonly HclPart[] {
  if (nodes.kind === 'x509pop') {
    return [
      plugin('NodeAttestor', 'x509pop', [
        note('Whoever signs with this authority says which machines may join: keep it apart from every other.'),
        set('ca_bundle_path', nodes.authority),
        note(
          'The ID of an agent is the name in its certificate, which outlives a renewal; by default it would be the fingerprint, and each renewal would orphan the entries below it.',
        ),
        set('agent_path_template', '/x509pop/{{ .Subject.CommonName }}'),
      ]),
    ];
  }
  return [
    plugin('NodeAttestor', 'k8s_psat', [
      note('Needs: create tokenreviews, get pods and nodes.'),
      map('clusters', {
        [nodes.cluster]: [
          note('Namespace and service account of the agent.'),
          set('service_account_allow_list', [`${nodes.namespace}:${nodes.account}`]),
          set('audience', [nodes.audience]),
        ],
      }),
    ]),
  ];
}

/** Where agents get the bundle that they start with. */
export function bundlePublisher({ bundle, nodes }: Spire): readonly HclPart[] {
  if (bundle.kind === 'file' || nodes.kind !== 'k8s_psat') return [];
  return [
    note(
      'Agents start with what is in this ConfigMap. Needs: get, create and patch of it. (The notifier k8sbundle, which did this, is deprecated.)',
    ),
    plugin('BundlePublisher', 'k8s_configmap', [
      map('clusters', {
        [nodes.cluster]: [
          set('namespace', bundle.namespace),
          set('configmap_name', bundle.name),
          set('configmap_key', bundle.key),
          set('format', 'spiffe'),
        ],
      }),
    ]),
  ];
}

function plugin(type: string, name: string, parts: readonly HclPart[]): HclPart {
  return block(type, name, [block('plugin_data', '', parts)]);
}
