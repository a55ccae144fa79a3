// SPIRE's servers: a StatefulSet, with a controller manager beside each of them.
import { noted, type YamlMapping } from '../../project/write-yaml.ts';
import { disruptionBudget, type Manifest, manifestFile, restrictedContainer, restrictedPod } from '../manifest.ts';
import { images, inside, names, SERVER_NAMESPACE, SPIRE_USER, secrets, servers, spirePorts } from '../places.ts';
import { labelsOf, METRICS_PORT, podLabels, selectorOf } from './labels.ts';
import { probe } from './probes.ts';
import { PASSWORD_VARIABLE } from './values.ts';

const socketDirectory = inside.serverSocket.slice(0, inside.serverSocket.lastIndexOf('/'));

/** spire/server.yaml */
export function serverFile(): string {
  const labels = labelsOf('server');
  return manifestFile("SPIRE's servers. They share a database and have keys of their own, so each signs what the others' agents trust.", [
    statefulSet(),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: names.server, namespace: SERVER_NAMESPACE, labels },
      spec: {
        clusterIP: noted(
          'An agent looks up all addresses and uses each in turn. TLS ends in the server, so nothing may stand in between.',
          'None',
        ),
        selector: selectorOf('server'),
        ports: [{ name: 'tls-spire', port: spirePorts.server, targetPort: 'spire' }],
      },
    },
    disruptionBudget(names.server, SERVER_NAMESPACE, { labels, selector: selectorOf('server') }),
  ]);
}

function statefulSet(): Manifest {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: names.server, namespace: SERVER_NAMESPACE, labels: labelsOf('server') },
    spec: {
      serviceName: names.server,
      replicas: servers.replicas,
      selector: { matchLabels: selectorOf('server') },
      template: {
        metadata: { labels: podLabels('server') },
        spec: {
          serviceAccountName: names.server,
          automountServiceAccountToken: true,
          enableServiceLinks: false,
          priorityClassName: 'system-cluster-critical',
          shareProcessNamespace: noted('The server answers nobody on its socket whose process it cannot see.', true),
          terminationGracePeriodSeconds: 30,
          securityContext: {
            ...restrictedPod(SPIRE_USER),
            fsGroup: noted('The volume is given to the user of the image, once.', SPIRE_USER),
            fsGroupChangePolicy: 'OnRootMismatch',
          },
          affinity: {
            podAntiAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [
                {
                  weight: 100,
                  podAffinityTerm: { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: selectorOf('server') } },
                },
                {
                  weight: 50,
                  podAffinityTerm: { topologyKey: 'topology.kubernetes.io/zone', labelSelector: { matchLabels: selectorOf('server') } },
                },
              ],
            },
          },
          containers: [server(), manager()],
          volumes: volumes(),
        },
      },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      volumeClaimTemplates: [
        {
          metadata: noted('The keys of the server (keys.json). No storage class: the default one of the cluster.', { name: 'data' }),
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
        },
      ],
    },
  };
}

function server(): YamlMapping {
  return {
    name: names.server,
    image: images.server,
    args: ['-expandEnv', '-config', `${inside.config}/server.conf`],
    ports: [
      { name: 'spire', containerPort: spirePorts.server },
      { name: 'health', containerPort: spirePorts.serverHealth },
      { name: METRICS_PORT, containerPort: spirePorts.metrics },
    ],
    env: [
      { name: PASSWORD_VARIABLE, valueFrom: { secretKeyRef: { name: secrets.database, key: 'password' } } },
      { name: noted('Below the memory limit, so that it is collected and not killed.', 'GOMEMLIMIT'), value: '900MiB' },
    ],
    startupProbe: noted(
      'Five minutes: the database may be coming up, too.',
      probe('/ready', 'health', { periodSeconds: 5, failureThreshold: 60 }),
    ),
    livenessProbe: noted(
      '/live fails when the database is away, which no restart mends; the server looks once a minute. Ten times, so that only one that hangs is restarted.',
      probe('/live', 'health', { periodSeconds: 60, failureThreshold: 10 }),
    ),
    readinessProbe: probe('/ready', 'health', { periodSeconds: 10, failureThreshold: 3 }),
    resources: { requests: { cpu: '200m', memory: '256Mi' }, limits: { memory: '1Gi' } },
    securityContext: restrictedContainer,
    volumeMounts: [
      { name: 'config', mountPath: inside.config, readOnly: true },
      { name: 'data', mountPath: inside.data },
      { name: 'socket', mountPath: socketDirectory },
      { name: 'upstream', mountPath: inside.upstream, readOnly: true },
      { name: 'database-roots', mountPath: inside.databaseRoots, readOnly: true },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  };
}

function manager(): YamlMapping {
  return {
    name: names.manager,
    image: images.manager,
    args: [`--config=${inside.managerConfig}/controller-manager.yaml`],
    ports: [{ name: 'manager-health', containerPort: spirePorts.managerHealth }],
    env: [
      {
        name: noted(
          'No webhook: it would want the right to change every webhook of the cluster, and with it no ClusterSPIFFEID could be made while SPIRE is down. One that is wrong says so in its status.',
          'ENABLE_WEBHOOKS',
        ),
        value: 'false',
      },
    ],
    livenessProbe: probe('/healthz', 'manager-health', { periodSeconds: 30, failureThreshold: 3 }),
    readinessProbe: probe('/readyz', 'manager-health', { periodSeconds: 10, failureThreshold: 3 }),
    resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '256Mi' } },
    securityContext: restrictedContainer,
    volumeMounts: [
      { name: 'manager-config', mountPath: inside.managerConfig, readOnly: true },
      { name: noted('Whoever has this socket administers the trust domain.', 'socket'), mountPath: socketDirectory, readOnly: true },
    ],
  };
}

function volumes(): readonly YamlMapping[] {
  return [
    { name: 'config', configMap: { name: names.server } },
    { name: 'manager-config', configMap: { name: names.manager } },
    { name: 'socket', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
    {
      name: noted('Made by whoever keeps the offline root: README.md, "Secrets".', 'upstream'),
      secret: { secretName: secrets.upstream, defaultMode: noted('0440', 0o440) },
    },
    {
      name: noted(
        'Made by CloudNativePG, which also keeps the key of that authority in it: only the certificate is mounted.',
        'database-roots',
      ),
      secret: { secretName: secrets.databaseRoots, items: [{ key: 'ca.crt', path: 'ca.crt' }] },
    },
    { name: 'tmp', emptyDir: { sizeLimit: '16Mi' } },
  ];
}
