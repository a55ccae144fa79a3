// SPIRE's agents: one on each node that workloads run on.
import { noted, type YamlMapping } from '../../project/write-yaml.ts';
import { type Manifest, manifestFile, restrictedContainer, serviceAccount } from '../manifest.ts';
import { AGENT_NAMESPACE, images, inside, names, SOCKET_DIRECTORY, spirePorts } from '../places.ts';
import { labelsOf, METRICS_PORT, podLabels, selectorOf } from './labels.ts';
import { probe } from './probes.ts';

const labels = labelsOf('agent');
const metadata: YamlMapping = { name: names.agent, labels };

/** spire/agent.yaml */
export function agentFile(): string {
  return manifestFile("SPIRE's agents: one on each node, which gives the pods there their identities.", [
    serviceAccount(names.agent, AGENT_NAMESPACE, labels),
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata,
      rules: [
        noted(
          'Which pods its kubelet runs. Before Kubernetes 1.33 kubelet asks for nodes/proxy instead, which is much more: whoever has it can run commands in every pod.',
          { apiGroups: [''], resources: ['nodes/pods'], verbs: ['get'] },
        ),
      ],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: names.agent },
      subjects: [{ kind: 'ServiceAccount', name: names.agent, namespace: AGENT_NAMESPACE }],
    },
    daemonSet(),
  ]);
}

function daemonSet(): Manifest {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: names.agent, namespace: AGENT_NAMESPACE, labels },
    spec: {
      selector: { matchLabels: selectorOf('agent') },
      updateStrategy: noted('Services go on with what they have while their agent is replaced.', {
        type: 'RollingUpdate',
        rollingUpdate: { maxUnavailable: '10%' },
      }),
      template: {
        metadata: { labels: podLabels('agent') },
        spec: {
          serviceAccountName: names.agent,
          automountServiceAccountToken: true,
          enableServiceLinks: false,
          priorityClassName: 'system-node-critical',
          hostPID: noted('Who asks on the socket is a process of the node, and its pod is found out by its control group.', true),
          terminationGracePeriodSeconds: 10,
          securityContext: noted('Root, and nothing that root usually may do: the directory of the socket on the node belongs to root.', {
            runAsUser: 0,
            runAsGroup: 0,
            seccompProfile: { type: 'RuntimeDefault' },
          }),
          tolerations: noted(
            'None. Nodes with a taint, the control plane among them, get no agent and can run no workload of ours; name the taint of a node pool that shall.',
            [],
          ),
          containers: [agent()],
          volumes: volumes(),
        },
      },
    },
  };
}

function agent(): YamlMapping {
  return {
    name: names.agent,
    image: images.agent,
    args: ['-config', `${inside.config}/agent.conf`],
    ports: [
      { name: 'health', containerPort: spirePorts.agentHealth },
      { name: METRICS_PORT, containerPort: spirePorts.metrics },
    ],
    env: [
      {
        name: noted(
          'Where it finds kubelet, whose certificate names the address as it names the node; not every cluster can look up names of nodes.',
          'MY_NODE_NAME',
        ),
        valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } },
      },
      { name: 'GOMEMLIMIT', value: '230MiB' },
    ],
    startupProbe: noted(
      'Five minutes: the servers, and the bundle that they publish, may be coming up, too.',
      probe('/ready', 'health', { periodSeconds: 5, failureThreshold: 60 }),
    ),
    livenessProbe: probe('/live', 'health', { periodSeconds: 30, failureThreshold: 4 }),
    readinessProbe: probe('/ready', 'health', { periodSeconds: 10, failureThreshold: 3 }),
    resources: { requests: { cpu: '50m', memory: '96Mi' }, limits: { memory: '256Mi' } },
    securityContext: restrictedContainer,
    volumeMounts: [
      { name: 'config', mountPath: inside.config, readOnly: true },
      { name: 'bundle', mountPath: inside.bundle, readOnly: true },
      { name: 'token', mountPath: inside.tokens, readOnly: true },
      { name: 'sockets', mountPath: SOCKET_DIRECTORY },
      { name: 'admin', mountPath: inside.admin.slice(0, inside.admin.lastIndexOf('/')) },
      { name: 'data', mountPath: inside.data },
    ],
  };
}

function volumes(): readonly YamlMapping[] {
  return [
    { name: 'config', configMap: { name: names.agent } },
    {
      name: noted('Published by the servers, and so not in these files: until then the pod waits.', 'bundle'),
      configMap: { name: names.bundle },
    },
    {
      name: noted('k8s_psat: says which service account, pod and node the agent is. Good for nothing but this server.', 'token'),
      projected: { sources: [{ serviceAccountToken: { path: 'spire-agent', audience: 'spire-server', expirationSeconds: 7200 } }] },
    },
    {
      name: noted('A directory of the node, so that what the CSI driver has mounted survives a restart of the agent.', 'sockets'),
      hostPath: { path: SOCKET_DIRECTORY, type: 'DirectoryOrCreate' },
    },
    { name: 'admin', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
    { name: 'data', emptyDir: { sizeLimit: '64Mi' } },
  ];
}
