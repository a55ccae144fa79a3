// The CSI driver, which mounts the directory of the agent's socket into pods that may have no hostPath.
import { noted, type YamlMapping } from '../../project/write-yaml.ts';
import { type Manifest, manifestFile, restrictedContainer, serviceAccount } from '../manifest.ts';
import { AGENT_NAMESPACE, CSI_DRIVER, images, KUBELET_DIRECTORY, names, SOCKET_DIRECTORY, spirePorts } from '../places.ts';
import { labelsOf, podLabels, selectorOf } from './labels.ts';
import { probe } from './probes.ts';

const plugin = `${KUBELET_DIRECTORY}/plugins/${CSI_DRIVER}`;
const csiSocket = '/spiffe-csi/csi.sock';

/** spire/csi-driver.yaml */
export function csiDriverFile(): string {
  const labels = labelsOf('csi');
  return manifestFile(
    'The CSI driver csi.spiffe.io: mounts the socket of the agent into pods that ask for it, and that pod security allows no hostPath.',
    [
      {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'CSIDriver',
        metadata: { name: CSI_DRIVER, labels },
        spec: {
          attachRequired: false,
          podInfoOnMount: true,
          fsGroupPolicy: noted('The socket is for everybody who can reach it; nobody changes its owner.', 'None'),
          volumeLifecycleModes: ['Ephemeral'],
        },
      },
      serviceAccount(names.csi, AGENT_NAMESPACE, labels),
      daemonSet(labels),
    ],
  );
}

function daemonSet(labels: YamlMapping): Manifest {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: names.csi, namespace: AGENT_NAMESPACE, labels },
    spec: {
      selector: { matchLabels: selectorOf('csi') },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '10%' } },
      template: {
        metadata: { labels: podLabels('csi') },
        spec: {
          serviceAccountName: names.csi,
          automountServiceAccountToken: noted('It speaks with kubelet over a socket, and with nobody else.', false),
          enableServiceLinks: false,
          priorityClassName: 'system-node-critical',
          tolerations: noted('As the agents have them.', []),
          containers: [driver(), registrar()],
          volumes: [
            { name: 'sockets', hostPath: { path: SOCKET_DIRECTORY, type: 'DirectoryOrCreate' } },
            { name: 'plugin', hostPath: { path: plugin, type: 'DirectoryOrCreate' } },
            { name: 'pods', hostPath: { path: `${KUBELET_DIRECTORY}/pods`, type: 'Directory' } },
            { name: 'registration', hostPath: { path: `${KUBELET_DIRECTORY}/plugins_registry`, type: 'Directory' } },
          ],
        },
      },
    },
  };
}

function driver(): YamlMapping {
  return {
    name: names.csi,
    image: images.csi,
    args: ['-workload-api-socket-dir', '/spire-agent-socket', '-plugin-name', CSI_DRIVER, '-csi-socket-path', csiSocket],
    env: [{ name: 'MY_NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
    resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: { memory: '128Mi' } },
    securityContext: noted('Only a privileged container may mount into others (mountPropagation Bidirectional).', {
      privileged: true,
      readOnlyRootFilesystem: true,
      runAsUser: 0,
    }),
    volumeMounts: [
      { name: 'sockets', mountPath: '/spire-agent-socket', readOnly: true },
      { name: 'plugin', mountPath: '/spiffe-csi' },
      { name: 'pods', mountPath: `${KUBELET_DIRECTORY}/pods`, mountPropagation: 'Bidirectional' },
    ],
  };
}

function registrar(): YamlMapping {
  return {
    name: 'node-driver-registrar',
    image: images.registrar,
    args: ['-csi-address', csiSocket, '-kubelet-registration-path', `${plugin}/csi.sock`, '-health-port', String(spirePorts.csiHealth)],
    ports: [{ name: 'health', containerPort: spirePorts.csiHealth }],
    livenessProbe: probe('/healthz', 'health', { initialDelaySeconds: 5, periodSeconds: 30, failureThreshold: 3 }),
    resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: { memory: '128Mi' } },
    securityContext: { ...restrictedContainer, runAsUser: 0 },
    volumeMounts: [
      { name: 'plugin', mountPath: '/spiffe-csi' },
      { name: 'registration', mountPath: '/registration' },
    ],
  };
}
