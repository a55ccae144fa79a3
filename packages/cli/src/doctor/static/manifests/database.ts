// Whether a database cluster of CloudNativePG is one that its operator takes, is backed up, and is seen by Prometheus.
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import type { Document, StaticEvidence } from '../../documents/document.ts';
import { type KubernetesObject, mayShareNamespace, objectsOf, placeOf, titleOf } from './objects.ts';
import { createRule, lookAt } from './rule.ts';
import { itemsAt, selects, textAt } from './values.ts';

const GROUP = 'postgresql.cnpg.io';

/** Parameters that the operator sets itself and refuses from others (postgresql_conf.md of CloudNativePG, "Fixed parameters"). */
const FIXED: ReadonlySet<string> = new Set([
  ...[
    'allow_alter_system',
    'allow_system_table_mods',
    'archive_cleanup_command',
    'archive_command',
    'archive_mode',
    'bonjour',
    'bonjour_name',
  ],
  ...[
    'cluster_name',
    'config_file',
    'data_directory',
    'data_sync_retry',
    'event_source',
    'external_pid_file',
    'full_page_writes',
    'hba_file',
  ],
  ...['hot_standby', 'ident_file', 'jit_provider', 'listen_addresses', 'log_destination', 'log_directory', 'log_file_mode', 'log_filename'],
  ...[
    'log_rotation_age',
    'log_rotation_size',
    'log_truncate_on_rotation',
    'logging_collector',
    'port',
    'primary_conninfo',
    'primary_slot_name',
  ],
  ...['promote_trigger_file', 'recovery_end_command', 'recovery_min_apply_delay', 'recovery_target', 'recovery_target_action'],
  ...['recovery_target_inclusive', 'recovery_target_lsn', 'recovery_target_name', 'recovery_target_time', 'recovery_target_timeline'],
  ...['recovery_target_xid', 'restart_after_crash', 'restore_command', 'shared_preload_libraries', 'ssl', 'ssl_ca_file', 'ssl_cert_file'],
  ...['ssl_crl_file', 'ssl_dh_params_file', 'ssl_ecdh_curve', 'ssl_key_file', 'ssl_passphrase_command', 'ssl_prefer_server_ciphers'],
  ...[
    'stats_temp_directory',
    'synchronous_standby_names',
    'syslog_facility',
    'syslog_ident',
    'syslog_sequence_numbers',
    'syslog_split_messages',
  ],
  ...['unix_socket_directories', 'unix_socket_group', 'unix_socket_permissions'],
]);

function clustersOf(documents: readonly Document[]): readonly KubernetesObject[] {
  return objectsOf(documents, 'Cluster').filter(({ group }) => group === GROUP);
}

/** Whether it is backed up. */
export const databaseBackupRule: Rule<StaticEvidence> = createRule({
  id: 'backup.configured.database',
  title: 'the database of SPIRE is backed up by a schedule',
  thing: 'database cluster',
  look: (documents) =>
    lookAt(clustersOf(documents), function* (cluster) {
      const schedules = objectsOf(documents, 'ScheduledBackup').filter(
        (each) => textAt(each.node, 'spec', 'cluster', 'name') === cluster.name && mayShareNamespace(each, cluster),
      );
      const title = titleOf(cluster);
      if (schedules.length === 0) {
        yield finding('backup.configured.database.not-scheduled', `${title} is never backed up`, {
          evidence: ['no ScheduledBackup of those given names it'],
          mends: [
            mend(
              'back it up by a schedule',
              `apiVersion: ${GROUP}/v1`,
              'kind: ScheduledBackup',
              `metadata: { name: ${cluster.name}, namespace: ${cluster.namespace ?? '<namespace>'} }`,
              `spec: { schedule: "0 0 2 * * *", cluster: { name: ${cluster.name} }, method: plugin, pluginConfiguration: { name: barman-cloud.cloudnative-pg.io } }`,
            ),
          ],
          place: placeOf(cluster.file, cluster.node),
        });
      }
      const old = cluster.node.get('spec', 'backup', 'barmanObjectStore');
      if (old === undefined) return;
      yield finding('backup.configured.database.deprecated', `${title} is backed up by what CloudNativePG takes out`, {
        evidence: ['spec.backup.barmanObjectStore is deprecated since 1.26'],
        mends: [
          mend(
            'use the plugin',
            'plugins: [{ name: barman-cloud.cloudnative-pg.io, isWALArchiver: true, parameters: { barmanObjectName: <object store> } }]',
          ),
        ],
        place: placeOf(cluster.file, old),
      });
    }),
});

/** Whether the operator takes it. */
export const databaseClusterRule: Rule<StaticEvidence> = createRule({
  id: 'config.production.database-cluster',
  title: 'the operator takes the database cluster',
  thing: 'database cluster',
  look: (documents) =>
    lookAt(clustersOf(documents), function* (cluster) {
      const { node, file } = cluster;
      for (const [name, at] of node.get('spec', 'postgresql', 'parameters')?.entries() ?? []) {
        if (!FIXED.has(name)) continue;
        yield finding(
          'config.production.database-cluster.fixed-parameter',
          `${titleOf(cluster)} sets ${name}, which the operator refuses`,
          {
            evidence: ['it is one of the parameters that CloudNativePG sets itself'],
            mends: [
              name === 'shared_preload_libraries'
                ? mend(
                    'set a parameter of the extension: the operator then loads it',
                    'pg_stat_statements.max: "10000"',
                    'pg_stat_statements.track: all',
                  )
                : mend('take it out'),
            ],
            place: placeOf(file, at),
          },
        );
      }
      if (!itemsAt(node, 'spec', 'postgresql', 'pg_hba').some((each) => /^hostssl\s/.test(each.text() ?? ''))) {
        yield finding('config.production.database-cluster.plaintext', `${titleOf(cluster)} takes connections without TLS`, {
          evidence: ['spec.postgresql.pg_hba has no hostssl: the last line that CloudNativePG writes takes any'],
          mends: [
            mend(
              'admit SPIRE over TLS, and nobody otherwise',
              'pg_hba:',
              '  - hostssl spire spire all scram-sha-256',
              '  - hostnossl all all all reject',
            ),
          ],
          place: placeOf(file, node.get('spec', 'postgresql'), node),
        });
      }
      const secret = textAt(node, 'spec', 'bootstrap', 'initdb', 'secret', 'name');
      const given = objectsOf(documents, 'Secret').find((each) => each.name === secret && mayShareNamespace(each, cluster));
      if (given === undefined || textAt(given.node, 'type') === 'kubernetes.io/basic-auth') return;
      yield finding('config.production.database-cluster.secret-type', `Secret ${given.name} has no user and password for the database`, {
        evidence: [`its type is ${textAt(given.node, 'type') ?? 'Opaque'}`],
        mends: [mend('make it of the type that the operator reads', 'type: kubernetes.io/basic-auth')],
        place: placeOf(given.file, given.node.get('type'), given.node),
      });
    }),
});

const podMonitor = (cluster: KubernetesObject): readonly Finding['mends'][number][] => [
  mend(
    'make a PodMonitor',
    'apiVersion: monitoring.coreos.com/v1',
    'kind: PodMonitor',
    `metadata: { name: ${cluster.name}, namespace: ${cluster.namespace ?? '<namespace>'} }`,
    `spec: { selector: { matchLabels: { cnpg.io/cluster: ${cluster.name} } }, podMetricsEndpoints: [{ port: metrics }] }`,
  ),
];

/** Whether Prometheus sees it. */
export const databaseMonitorRule: Rule<StaticEvidence> = createRule({
  id: 'observability.wired.database',
  title: 'the database has metrics',
  thing: 'database cluster',
  look: (documents) =>
    lookAt(clustersOf(documents), function* (cluster): Generator<Finding> {
      const { node, file } = cluster;
      const title = titleOf(cluster);
      const enabled = node.get('spec', 'monitoring', 'enabled');
      const old = node.get('spec', 'monitoring', 'enablePodMonitor');
      if (enabled !== undefined) {
        yield finding('observability.wired.database.unknown-field', `${title} has the field monitoring.enabled, which there is not`, {
          evidence: ['the API server refuses it, or leaves it out, and nothing is monitored'],
          mends: podMonitor(cluster),
          place: placeOf(file, enabled),
        });
      }
      if (old !== undefined) {
        yield finding(
          'observability.wired.database.deprecated',
          `${title} leaves its PodMonitor to the operator, which will stop to make it`,
          {
            evidence: ['spec.monitoring.enablePodMonitor is deprecated'],
            mends: podMonitor(cluster),
            place: placeOf(file, old),
          },
        );
      }
      if (enabled !== undefined || old !== undefined) return;
      const labels = new Map([['cnpg.io/cluster', cluster.name]]);
      const monitors = objectsOf(documents, 'PodMonitor').filter((each) => mayShareNamespace(each, cluster));
      if (monitors.some((each) => selects(each.node.get('spec', 'selector'), labels))) return;
      yield finding('observability.wired.database.unseen', `nobody scrapes ${title}`, {
        evidence: ['no PodMonitor of those given selects its pods'],
        mends: podMonitor(cluster),
        place: placeOf(file, node),
      });
    }),
});
