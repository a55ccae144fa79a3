// The database of SPIRE's servers: a cluster of PostgreSQL that CloudNativePG runs, with its backups and who may connect to it.
import { DEFAULT_MONITORING } from '../../monitoring/monitoring.ts';
import { noted } from '../../project/write-yaml.ts';
import { kustomizationFile, type Manifest, manifestFile, podsIn, prometheus, tcp } from '../manifest.ts';
import { DATABASE_OPERATOR, images, names, SERVER_NAMESPACE, secrets, servers } from '../places.ts';
import { apiServer, networkPolicy } from '../policies.ts';
import { databaseSelector, labelsOfAll, programSelector } from './labels.ts';
import { DATABASE_USER } from './values.ts';

const metadata = { name: names.database, namespace: SERVER_NAMESPACE, labels: labelsOfAll };

/** The files of spire/database, by name. */
export function databaseFiles(): ReadonlyMap<string, string> {
  return new Map([
    [
      'kustomization.yaml',
      kustomizationFile(
        "The database of SPIRE's servers, which the Helm chart does not bring either. Needs the operator CloudNativePG 1.26 or newer.",
        {
          resources: ['cluster.yaml', 'backup.yaml', 'network.yaml', 'monitor.yaml'],
        },
      ),
    ],
    ['cluster.yaml', manifestFile('PostgreSQL: one primary and two replicas, in TLS only.', [cluster()])],
    ['backup.yaml', manifestFile('A snapshot of the volume every six hours. README.md, "Backup", says what else there is.', [backup()])],
    [
      'network.yaml',
      manifestFile("Who may connect to the database: SPIRE's servers, the other instances, the operator, Prometheus.", [policy()]),
    ],
    [
      'monitor.yaml',
      manifestFile('What Prometheus scrapes of each instance.', [
        {
          apiVersion: 'monitoring.coreos.com/v1',
          kind: 'PodMonitor',
          metadata,
          spec: {
            jobLabel: 'cnpg.io/cluster',
            selector: { matchLabels: databaseSelector },
            podMetricsEndpoints: [{ port: 'metrics', interval: DEFAULT_MONITORING.interval }],
          },
        },
      ]),
    ],
  ]);
}

function cluster(): Manifest {
  const { replicas, connections, limit } = servers;
  return {
    apiVersion: 'postgresql.cnpg.io/v1',
    kind: 'Cluster',
    metadata,
    spec: {
      instances: 3,
      imageName: images.database,
      bootstrap: {
        initdb: {
          database: DATABASE_USER,
          owner: DATABASE_USER,
          secret: noted('Of the type kubernetes.io/basic-auth, and not in these files: README.md, "Secrets".', { name: secrets.database }),
        },
      },
      enableSuperuserAccess: false,
      postgresql: {
        parameters: {
          max_connections: noted(
            `${replicas} servers with ${connections} each (max_open_conns), and room for the operator.`,
            String(limit),
          ),
          'pg_stat_statements.max': noted('The operator loads the library that these are of.', '10000'),
          'pg_stat_statements.track': 'all',
        },
        pg_hba: noted(
          'The server has its role, in TLS; nobody else has anything. The rules of the operator stand before these, and a last one that admits everybody after them.',
          ['hostnossl all all all reject', `hostssl ${DATABASE_USER} ${DATABASE_USER} all scram-sha-256`, 'host all all all reject'],
        ),
        synchronous: noted('What was written is on two instances, as long as there are two.', {
          method: 'any',
          number: 1,
          dataDurability: 'preferred',
        }),
      },
      storage: noted('No storage class: the default one of the cluster.', { size: '10Gi', resizeInUseVolumes: true }),
      resources: { requests: { cpu: '250m', memory: '512Mi' }, limits: { memory: '1Gi' } },
      backup: {
        volumeSnapshot: noted('No class of snapshots: the default one of the cluster. A snapshot ends with its Backup.', {
          snapshotOwnerReference: 'backup',
        }),
      },
    },
  };
}

function backup(): Manifest {
  return {
    apiVersion: 'postgresql.cnpg.io/v1',
    kind: 'ScheduledBackup',
    metadata,
    spec: {
      schedule: noted('Six fields: the first one is seconds.', '0 0 */6 * * *'),
      immediate: true,
      backupOwnerReference: 'self',
      cluster: { name: names.database },
      method: 'volumeSnapshot',
    },
  };
}

function policy(): Manifest {
  const instances = podsIn(SERVER_NAMESPACE, databaseSelector);
  return networkPolicy({
    ...metadata,
    selector: databaseSelector,
    ingress: [
      { from: [podsIn(SERVER_NAMESPACE, programSelector('server')), instances], ports: tcp(5432) },
      {
        from: [podsIn(DATABASE_OPERATOR.namespace, { 'app.kubernetes.io/name': DATABASE_OPERATOR.name }), instances],
        ports: tcp(5432, 8000),
      },
      { from: [prometheus], ports: tcp(9187) },
    ],
    egress: [{ to: [instances], ports: tcp(5432, 8000) }, apiServer],
  });
}
