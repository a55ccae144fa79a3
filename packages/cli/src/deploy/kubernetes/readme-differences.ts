// The last section of README.md: what the deployment guide has otherwise, and why that would not work.

const rows: readonly (readonly [guide: string, here: string, why: string])[] = [
  ['annotation `spiffe.io/spiffe-id`', 'ClusterSPIFFEID with a class', 'nothing reads the annotation since SPIRE 1.6'],
  [
    '`hostPath` with `DirectoryOrCreate`',
    '`csi.spiffe.io`, read-only',
    'pod security refuses a hostPath, and an empty directory hid that the agent was missing',
  ],
  ['gRPC probes on the mTLS port', 'HTTP probes on a plaintext port', 'kubelet has no certificate: every probe failed'],
  ['no startup probe', 'five minutes for the first identity', 'an agent that is late would be answered with restarts'],
  [
    '`from` with two elements, label `name:`',
    'one element, `kubernetes.io/metadata.name`',
    'two elements are two ways in; nobody sets `name`',
  ],
  [
    'egress `to: []` on 8081',
    'default deny, then DNS, peers, metrics',
    'it was everywhere, on a port that the service does not use, while DNS was closed',
  ],
  ['a Service without labels', 'labels that the ServiceMonitor selects', 'it selected nothing, without a word'],
  ['ServiceMonitor of `spire-server`, port `http-monitoring`', 'PodMonitors, port `prom`', 'there was no such port, and no telemetry'],
  ['toleration of every `NoSchedule`', 'none', 'it ran on the control plane, too'],
  ['CPU limit 500m, request 100m', 'request 250m, no limit', 'a quota stops handshakes; at 100m the autoscaler starts at 70m'],
  ['`GOMAXPROCS`, `GOMEMLIMIT`', '`--max-old-space-size` below the limit, `UV_THREADPOOL_SIZE`', 'Node.js reads neither'],
  ['autoscaling by memory, `replicas: 3`', 'by CPU, no `replicas`', 'a heap does not shrink; each apply would set the number back'],
  ['`minAvailable: 2`', '`maxUnavailable: 1`, `AlwaysAllow`', 'with two pods left no node could be drained'],
  ['no `terminationGracePeriodSeconds`', '30 s, more than drain and deadline', 'the default is a coincidence'],
  ['an image without its registry', 'registry, name and version', "without a registry it is somebody else's"],
  ['server without RBAC, account, `fsGroup`, `health_checks`', 'all of it', 'it could not attest, not write its volume, and was restarted'],
  ['no agent, CSI driver, controller manager', 'all of them', 'nobody would have given out identities'],
  ['`spire-server-lb` for everybody', 'internal, with source ranges, `Local`', 'it was on the Internet, and all agents had one address'],
  [
    '`monitoring.enabled`, `shared_preload_libraries` of CloudNativePG',
    'a PodMonitor, `pg_stat_statements.*`',
    'no such field; a fixed parameter that is refused',
  ],
  ['200 connections for three servers', '50 a server', 'three servers would want 300'],
  ['no backup', 'ScheduledBackup', 'entries and agents were nowhere else'],
  [
    'ServiceEntry with GRPC and no resolution, VirtualService by a header',
    'TLS and DNS; no header',
    'a sidecar cannot read our TLS, and any client can send a header',
  ],
];

/** The section. */
export function differences(): string {
  return `## What the guide says otherwise

| the guide | here | why |
|---|---|---|
${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}
`;
}
