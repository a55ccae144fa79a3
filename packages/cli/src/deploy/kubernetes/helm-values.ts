// Answers in; the values for the official charts out: the same SPIRE as in spire/, as its own project packs it.
import { commentLines, noted, writeYaml } from '../project/write-yaml.ts';
import { SPIRE_VERSION } from '../spire/known-keys.ts';
import type { ClusterAnswers } from './answers.ts';
import { CLASS_NAME, inside, names, SOCKET_DIRECTORY, SOCKET_FILE, secrets, servers } from './places.ts';
import { PROGRAM_LABEL } from './spire/labels.ts';
import { DATABASE_HOST, DATABASE_USER } from './spire/values.ts';

/** The charts that the values were written for. */
export const charts = { repository: 'https://spiffe.github.io/helm-charts-hardened/', crds: '0.6.0', spire: '0.30.0' } as const;

/** helm/spire-values.yaml */
export function helmValues({ domain, cluster }: ClusterAnswers): string {
  const socket = `${SOCKET_DIRECTORY}/${SOCKET_FILE}`;
  const resources = (cpu: string, memory: string, limit: string) => ({ requests: { cpu, memory }, limits: { memory: limit } });
  const values = {
    global: {
      spire: {
        trustDomain: domain,
        clusterName: cluster,
        caSubject: noted(
          'The chart asks for a country, too: --set global.spire.caSubject.country=.. with your two letters. It refuses to start without.',
          {
            organization: domain,
            commonName: `SPIRE of ${domain}`,
          },
        ),
        recommendations: noted('Servers and agents in namespaces of their own, security contexts, strict checks of the values.', {
          enabled: true,
        }),
        namespaces: noted('spire/namespaces.yaml makes them, with their pod security.', { create: false }),
      },
    },
    'spire-server': {
      image: noted('The release that is tested here. Everything else has the version that the chart gives it.', { tag: SPIRE_VERSION }),
      replicaCount: servers.replicas,
      podLabels: noted('By which our policies and monitors know these pods.', { [PROGRAM_LABEL]: names.server }),
      logFormat: 'json',
      auditLogEnabled: true,
      caKeyType: 'ec-p256',
      caTTL: '168h',
      defaultX509SvidTTL: '1h',
      defaultJwtSvidTTL: '5m',
      agentTTL: '24h',
      pruneAttestedNodesExpiredFor: '168h',
      dataStore: {
        sql: {
          databaseType: 'postgres',
          databaseName: DATABASE_USER,
          host: DATABASE_HOST,
          username: DATABASE_USER,
          externalSecret: { enabled: true, name: secrets.database, key: 'password' },
          options: [{ sslmode: 'verify-full' }, { connect_timeout: '5' }],
          rootCAPath: `${inside.databaseRoots}/ca.crt`,
          maxOpenConns: servers.connections,
          maxIdleConns: 12,
          connMaxLifetime: '30m',
        },
      },
      keyManager: { disk: { enabled: true } },
      upstreamAuthority: {
        disk: {
          enabled: true,
          secret: {
            create: false,
            name: secrets.upstream,
            data: {
              bundle: noted(
                'Not empty, so that bundle.crt of the Secret is read. Nothing else is done with this text.',
                `bundle.crt of the Secret ${secrets.upstream}`,
              ),
            },
          },
        },
      },
      persistence: { type: 'pvc', size: '1Gi' },
      extraVolumes: [{ name: 'database-roots', secret: { secretName: secrets.databaseRoots, items: [{ key: 'ca.crt', path: 'ca.crt' }] } }],
      extraVolumeMounts: [{ name: 'database-roots', mountPath: inside.databaseRoots, readOnly: true }],
      livenessProbe: noted('/live fails when the database is away, which no restart mends.', {
        periodSeconds: 60,
        failureThreshold: 10,
        timeoutSeconds: 5,
      }),
      podDisruptionBudget: { enabled: true, maxUnavailable: 1 },
      topologySpreadConstraints: ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map((topologyKey) => ({
        maxSkew: 1,
        topologyKey,
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: { [PROGRAM_LABEL]: names.server } },
      })),
      resources: resources('200m', '256Mi', '1Gi'),
      controllerManager: {
        enabled: true,
        className: CLASS_NAME,
        watchClassless: false,
        resources: resources('50m', '64Mi', '256Mi'),
        validatingWebhookConfiguration: noted('As in spire/server.yaml, which says why; no policy lets the API server in.', {
          enabled: false,
        }),
        identities: {
          clusterSPIFFEIDs: noted('Nobody has an identity unasked: base/identities.yaml says who has which.', {
            default: { enabled: false },
            'oidc-discovery-provider': { enabled: false },
            'test-keys': { enabled: false },
          }),
        },
      },
    },
    'spire-agent': {
      image: { tag: SPIRE_VERSION },
      podLabels: { [PROGRAM_LABEL]: names.agent },
      logFormat: 'json',
      socketPath: noted('The file name is the one that the pods of the service open, and the only one.', socket),
      socketAlternate: { names: [] },
      rebootstrapMode: 'auto',
      kubeletAddress: noted('At the address of the node, without its network, and with its certificate verified.', { mode: 'hostip' }),
      workloadAttestors: { k8s: { verification: { type: 'apiServerCA' } } },
      resources: resources('50m', '96Mi', '256Mi'),
    },
    'spiffe-csi-driver': {
      agentSocketPath: socket,
      resources: resources('10m', '32Mi', '128Mi'),
    },
    'spiffe-oidc-discovery-provider': noted('Only who verifies JWT-SVIDs without SPIRE needs it.', { enabled: false }),
  };
  return `${commentLines(
    `SPIRE by its official charts, the recommended way: spire-crds ${charts.crds} and spire ${charts.spire} of ${charts.repository} The same trust domain, socket, class and Secrets as in spire/, of which namespaces.yaml, database, network and monitoring are used with it. README.md has the commands.`,
  ).join('\n')}\n${writeYaml(values)}`;
}
