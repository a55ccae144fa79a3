// Answers in; README.md of the folder out: what is in it, what the cluster needs before, and what to do.
import { type ClusterAnswers, recordedAnswers } from './answers.ts';
import { charts } from './helm-values.ts';
import { databaseCommand, upstreamCommands } from './next-steps.ts';
import {
  AGENT_NAMESPACE,
  COLLECTOR,
  DATABASE_OPERATOR,
  images,
  KUBELET_DIRECTORY,
  MONITORING_NAMESPACE,
  names,
  SERVER_NAMESPACE,
  SOCKET_DIRECTORY,
  secrets,
} from './places.ts';
import { differences } from './readme-differences.ts';
import { idOf, nameOf } from './service/workloads.ts';

/** README.md */
export function readme(answers: ClusterAnswers): string {
  return [
    about(answers),
    needs(),
    spire(answers),
    service(answers),
    components(answers),
    monitoring(answers),
    later(answers),
    differences(),
  ].join('\n');
}

function about(answers: ClusterAnswers): string {
  const { service, domain, cluster } = answers;
  const given = Object.entries(recordedAnswers(answers)).map(([name, value]) => `| \`${name}\` | \`${value}\` |`);
  return `# Kubernetes: SPIRE, ${nameOf(answers, 'server')} and ${nameOf(answers, 'client')} in the cluster ${cluster}

Kustomizations for a cluster of the trust domain \`${domain}\`. They are what \`ephemos deploy init --target kubernetes\` makes of these answers, which are kept in
\`ephemos-deploy.json\`; a second run changes nothing, and what you changed by hand stays as it is.

| answer | |
|---|---|
${given.join('\n')}

| folder | |
|---|---|
| \`base/\` | the service: namespace \`${service}\` under pod security "restricted", identities, Deployment, client, Service, network policies, scaling, monitor, alerts |
| \`overlays/\` | what is applied: \`production\` (three to ten pods), \`dev\` (one pod, a log that says more) |
| \`components/\` | what only some clusters have: \`istio\`, \`opentelemetry\`, \`hostpath-socket\`, \`node-affinity\` |
| \`spire/\` | SPIRE by itself: three servers on PostgreSQL, agents, CSI driver, controller manager, policies, monitors |
| \`helm/\` | values for the official charts of SPIRE, the recommended way to it |

No secret is in these files, and none belongs into a repository.
`;
}

function needs(): string {
  const manager = versionOf(images.manager);
  return `## What the cluster needs before

- Kubernetes 1.33 or newer. Before, kubelet asks the agent for \`nodes/proxy\`, which runs commands in every pod: add it to the ClusterRole \`${names.agent}\` if you must.
- Kubelets whose serving certificates come from the authority of the cluster (\`serverTLSBootstrap: true\`; managed clusters have it). The agent verifies them.
- A network plugin that enforces NetworkPolicy. With one that does not, identities still decide who may call.
- A default StorageClass, and a default VolumeSnapshotClass for the backups. Other ones: \`storage.storageClass\` and \`backup.volumeSnapshot.className\` in
  \`spire/database/cluster.yaml\`, \`storageClassName\` in \`spire/server.yaml\`.
- [CloudNativePG](https://cloudnative-pg.io) 1.26 or newer in the namespace \`${DATABASE_OPERATOR.namespace}\`, prometheus-operator with Prometheus in \`${MONITORING_NAMESPACE}\`, and metrics-server for the HorizontalPodAutoscaler.
  Where they are in other namespaces, change \`kubernetes.io/metadata.name\` in \`base/network.yaml\`, \`spire/network/network.yaml\` and \`spire/database/network.yaml\`.
- Kubelet's directory at \`${KUBELET_DIRECTORY}\`, and \`${SOCKET_DIRECTORY}\` on each node for the socket.
- The resource definitions of SPIRE's controller manager, with the chart \`spire-crds\` (below), or without Helm:

  \`\`\`sh
  kubectl apply --server-side -k "https://github.com/spiffe/spire-controller-manager/config/crd?ref=v${manager}"
  \`\`\`
`;
}

function spire(answers: ClusterAnswers): string {
  const [ca, upstream] = upstreamCommands(answers);
  const chart = (name: string, version: string): string =>
    `helm upgrade --install ${name} ${name} --repo ${charts.repository} --version ${version} -n ${SERVER_NAMESPACE}`;
  return `## SPIRE

Once for each cluster. Servers and their database are in \`${SERVER_NAMESPACE}\`, under "restricted"; agents and the CSI driver in \`${AGENT_NAMESPACE}\`, which has to be privileged.

### Secrets

\`\`\`sh
kubectl apply --server-side -f spire/namespaces.yaml
${ca ?? ''}
${upstream ?? ''}
${databaseCommand}
\`\`\`

| Secret | holds | |
|---|---|---|
| \`${secrets.upstream}\` | \`tls.crt\`, \`tls.key\`, \`ca.crt\` (for the chart also \`bundle.crt\`, the same) | what the servers sign under, for a year. The key of the root above it stays offline: take \`/media/vault\` away |
| \`${secrets.database}\` | \`username\`, \`password\` | of the type \`kubernetes.io/basic-auth\`. Hexadecimal, since it becomes part of a text |
| \`${secrets.databaseRoots}\` | made by CloudNativePG | only its certificate is mounted |

Secrets are as safe as etcd: have them encrypted there. Whoever may read Secrets in \`${SERVER_NAMESPACE}\`, or start pods there, is the trust domain.

### With the official charts (recommended)

\`\`\`sh
kubectl apply --server-side -k spire/database
kubectl apply --server-side -k spire/network
kubectl apply --server-side -k spire/monitoring
${chart('spire-crds', charts.crds)}
${chart('spire', charts.spire)} -f helm/spire-values.yaml --set global.spire.caSubject.country=US
\`\`\`

The country is that of your organization: the chart insists on one, and nobody else knows it.

### Without Helm

\`\`\`sh
kubectl apply --server-side -k spire
kubectl rollout status -n ${SERVER_NAMESPACE} statefulset/${names.server} --timeout 10m
kubectl rollout status -n ${AGENT_NAMESPACE} daemonset/${names.agent} --timeout 10m
\`\`\`

Until the database is up servers are restarted, and until a server has published the ConfigMap \`${names.bundle}\` agents wait: a few minutes, the first time.
\`server.conf\` and \`agent.conf\` are rendered from \`spire/spire.yaml\`; after a change there, \`ephemos deploy render spire.yaml\`.

For agents outside of the cluster, an internal load balancer with source ranges (\`sources\`):

\`\`\`sh
cd spire && kustomize edit add component components/internal-load-balancer
\`\`\`
`;
}

function service(answers: ClusterAnswers): string {
  const [server, client] = [nameOf(answers, 'server'), nameOf(answers, 'client')];
  return `## The service

\`\`\`sh
kubectl apply --server-side -k overlays/production
kubectl rollout status -n ${answers.service} deployment/${server}
kubectl create job -n ${answers.service} try --from cronjob/${client}
kubectl logs -n ${answers.service} job/try --follow
\`\`\`

It says \`hello  (the server knows us as ${idOf(answers, 'client')})\`. The same Job runs every five minutes; one that failed says that callers get nothing.

The image \`${answers.image}\` is built as \`deploy/docker\` of Ephemos shows: its first argument is \`serve\`, its ports are 8080, 9080 and 9090, its user is 65532. Before you apply a change of
\`base/config\`, \`ephemos config validate base/config/${server}.yaml --production --strict\`.

### Who may do what

Objects with the label \`app.kubernetes.io/component: admin\` (the namespace, the identities, the Role of deployers) are for who administers the cluster: whoever may
write a ClusterSPIFFEID can give any identity to any pod. Members of the group \`${answers.service}-deployers\` may apply the rest, and need nothing else:

\`\`\`sh
kubectl apply --server-side -k overlays/production -l 'app.kubernetes.io/component!=admin'
\`\`\`

### Another caller

A ClusterSPIFFEID of its own in \`base/identities.yaml\`, its SPIFFE ID in \`service.authorized_clients\` of \`base/config/${server}.yaml\`, its pods in the ingress of
\`base/network.yaml\`; in its pods the volume, mount and variable of the Workload API that \`base/client.yaml\` has.
`;
}

function components(answers: ClusterAnswers): string {
  return `## Components

\`\`\`sh
cd overlays/production && kustomize edit add component ../../components/opentelemetry
\`\`\`

or a line below \`components:\` in its \`kustomization.yaml\`.

| component | for | needs |
|---|---|---|
| \`opentelemetry\` | traces over OTLP to the Service \`${COLLECTOR.service}\` in \`${COLLECTOR.namespace}\` | \`/app/instrumentation.js\` in the image, which starts an SDK; pods of the collector with the label \`app.kubernetes.io/name: opentelemetry-collector\`. Another address: \`server.yaml\` and \`network.yaml\` of the component |
| \`istio\` | a mesh with sidecars: our port goes past them, nothing else gets in; a ServiceEntry for a SPIRE server outside at \`spire-server.${answers.domain}\` | Istio with its CNI plugin |
| \`hostpath-socket\` | clusters where the CSI driver cannot be installed | a namespace that is privileged, which it makes it |
| \`node-affinity\` | nodes with the label \`node-type=compute-optimized\` first | nothing |
`;
}

function monitoring(answers: ClusterAnswers): string {
  return `## Monitoring

Prometheus finds \`${nameOf(answers, 'server')}\` as the job \`ephemos\`, SPIRE as \`spire-server\` and \`spire-agent\`; the rules ask for these names. Many installations look only at
monitors and rules with a label of theirs (kube-prometheus-stack: \`release\`). Add it where you apply:

\`\`\`sh
cd overlays/production && kustomize edit add label --without-selector release:kube-prometheus-stack
\`\`\`

The rules are those of \`deploy/monitoring\`, with their tests, their dashboard and their runbook.
`;
}

function later(answers: ClusterAnswers): string {
  const { service } = answers;
  return `## Backup

\`spire/database/backup.yaml\` makes a snapshot of the volume every six hours, and one at once. Snapshots are on the storage that they are of, and nobody removes old ones
(\`kubectl delete backup\` does, with the snapshot). For a copy elsewhere, and to lose seconds instead of hours, use the Barman Cloud plugin of CloudNativePG: an
ObjectStore with your bucket, \`spec.plugins\` in \`cluster.yaml\`, and \`method: plugin\` with \`pluginConfiguration: { name: barman-cloud.cloudnative-pg.io }\` in \`backup.yaml\`.
\`barmanObjectStore\` is deprecated.

The keys of the servers (\`keys.json\` on the volumes \`data-${names.server}-N\`) live for a week, under the upstream authority: a server that lost its own makes another, and
nobody notices. What cannot be made again is the offline root.

## Upgrade

One minor release of SPIRE at a time, servers before agents. ConfigMaps have a hash of what is in them in their names, so a change rolls out pod by pod, and
\`kubectl rollout undo\` brings the last one back. Old ones stay until you remove them.

Images are named by their version. \`ephemos deploy pin\` adds the digests that your registry says they have.

## What is not checked here

Ephemos' own test suite applies all of this to a real API server, with the resource definitions of all operators, and lets a real SPIRE attest an agent with the roles of \`spire/\`. It
has no nodes: that kubelet mounts, that the network plugin enforces, and that a load balancer is internal, your cluster has to show. The Job of
\`${service}\` is the shortest way to it.
`;
}

function versionOf(image: string): string {
  return image.slice(image.lastIndexOf(':') + 1);
}
