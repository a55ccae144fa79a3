// A deployment in; the text of the agent.conf of its machines out.
import { block, type HclPart, note, set, writeHcl } from '../hcl/write-hcl.ts';
import { SPIRE_VERSION } from './known-keys.ts';
import { listenerParts } from './listeners.ts';
import type { Agent, Spire, WorkloadAttestor } from './spire.ts';

/** Renders the configuration of the agents. */
export function agentConf(spire: Spire): string {
  const { domain, agent } = spire;
  return writeHcl([
    note(`SPIRE agent of the trust domain ${domain}, for SPIRE ${SPIRE_VERSION}. Rendered from spire.yaml: change that and render again.`),
    note('Run it with: spire-agent run -config agent.conf'),
    block('agent', '', [...servers(spire), ...bootstrap(spire), ...sockets(spire)]),
    block('plugins', '', [
      ...nodeAttestor(spire),
      ...keyManager(spire),
      ...agent.workloads.flatMap((kind) => workloadAttestor(kind, agent)),
    ]),
    ...listenerParts(agent),
  ]);
}

function servers({ domain, balancer, servers: [first], agent: { data }, logs: { level, format } }: Spire): readonly HclPart[] {
  const { host, port } = balancer ?? first;
  return [
    set('trust_domain', domain),
    set('data_dir', data),
    set('log_level', level.toUpperCase()),
    set('log_format', format),
    note('Looked up through DNS, and every address that it has is used.'),
    set('server_address', host),
    set('server_port', port),
  ];
}

function bootstrap({ bundle, upstream }: Spire): readonly HclPart[] {
  const mode = [
    note('An agent that was away while every authority was replaced starts again from this bundle by itself.'),
    set('rebootstrap_mode', 'auto'),
  ];
  if (bundle.kind === 'configmap') {
    return [
      note('The ConfigMap that the servers keep up to date, mounted here.'),
      set('trust_bundle_path', `${bundle.directory}/${bundle.key}`),
      set('trust_bundle_format', 'spiffe'),
      ...mode,
    ];
  }
  const what = upstream === undefined ? 'What "spire-server bundle show" prints' : 'The offline authorities, known before any server runs';
  return [
    note(`${what}: brought here over a way that is trusted, since it decides which servers the agent believes.`),
    set('trust_bundle_path', bundle.path),
    set('trust_bundle_format', 'pem'),
    ...mode,
  ];
}

function sockets({ agent: { socket, admin, cache } }: Spire): readonly HclPart[] {
  return [
    note(`Workloads find it as SPIFFE_ENDPOINT_SOCKET=unix://${socket}`),
    set('socket_path', socket),
    note('For "spire-agent api debug", and for nobody else.'),
    set('admin_socket_path', admin),
    note('Above this many, SVIDs that nobody fetches any more are dropped.'),
    set('x509_svid_cache_max_size', cache),
    set('jwt_svid_cache_max_size', cache),
  ];
}

function nodeAttestor({ nodes }: Spire): readonly HclPart[] {
  if (nodes.kind === 'x509pop') {
    return [
      plugin('NodeAttestor', 'x509pop', [
        note('The certificate of this machine: for digital signatures, and with a common name that no other machine has.'),
        set('private_key_path', nodes.key),
        set('certificate_path', nodes.certificate),
      ]),
    ];
  }
  return [
    plugin('NodeAttestor', 'k8s_psat', [
      set('cluster', nodes.cluster),
      note(`A projected token of the service account ${nodes.namespace}:${nodes.account} with the audience ${nodes.audience}.`),
      set('token_path', nodes.token),
    ]),
  ];
}

function keyManager({ agent: { keys, data } }: Spire): readonly HclPart[] {
  if (keys === 'memory')
    return [
      note('Nothing of a pod outlives it: a new one is attested anew, within a second.'),
      block('KeyManager', 'memory', [block('plugin_data', '', [])]),
    ];
  return [
    note('Kept over a restart, so that the agent is not attested again. It needs a server to start all the same.'),
    plugin('KeyManager', 'disk', [set('directory', data)]),
  ];
}

function workloadAttestor(kind: WorkloadAttestor, { paths }: Agent): readonly HclPart[] {
  switch (kind) {
    case 'unix':
      return [
        note(
          paths
            ? 'Selectors as unix:uid of the process that asks, and unix:path of the program that it runs: whoever may start that program is this workload.'
            : 'Selectors unix:uid, unix:user, unix:gid, unix:group and unix:supplementary_group of the process that asks. With its path every Node.js service would be "node".',
        ),
        plugin('WorkloadAttestor', 'unix', [set('discover_workload_path', paths)]),
      ];
    case 'systemd':
      return [
        note('Selectors systemd:id and systemd:fragment_path of its unit, over the system bus.'),
        plugin('WorkloadAttestor', 'systemd', []),
      ];
    case 'docker':
      return [
        note(
          'Selectors docker:label, docker:image_id and docker:env. Needs the socket of Docker, which is as good as root, and the host as its PID namespace.',
        ),
        plugin('WorkloadAttestor', 'docker', [set('docker_socket_path', 'unix:///var/run/docker.sock')]),
      ];
    case 'k8s':
      return [
        note(
          'Asks the kubelet of its own node, and verifies it: its serving certificate has to name the node and come from the authority of the cluster (serverTLSBootstrap). Needs get of nodes/pods (before Kubernetes 1.33 of nodes/proxy, which runs commands in pods, too), and MY_NODE_NAME: the name or the address at which its pod reaches the node.',
        ),
        plugin('WorkloadAttestor', 'k8s', [
          set('node_name_env', 'MY_NODE_NAME'),
          set('kubelet_ca_path', '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt'),
        ]),
      ];
  }
}

function plugin(type: string, name: string, parts: readonly HclPart[]): HclPart {
  return block(type, name, [block('plugin_data', '', parts)]);
}
