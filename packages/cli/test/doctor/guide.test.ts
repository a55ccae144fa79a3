// The nineteen blocks of the deployment guide, unmodified, in test/doctor/guide: every defect of them that can be seen in files is found, at its line.
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readDocuments } from '../../src/doctor/documents/read-documents.ts';
import { judge } from '../../src/doctor/judge.ts';
import { staticChecklist } from '../../src/doctor/static/checklist.ts';
import { findingsOf } from '../support/documents.ts';

const guide = fileURLToPath(new URL('./guide', import.meta.url));

function findingsIn(...names: readonly string[]): readonly string[] {
  const paths = names.length === 0 ? [guide] : names.map((name) => join(guide, name));
  return findingsOf(
    judge(
      staticChecklist,
      readDocuments(paths, () => ''),
    ),
  ).map((each) => {
    const [id = '', place = ''] = each.split(' ');
    return `${id} ${relative(guide, place)}`;
  });
}

/** By the number of the defect: what is found of it when all blocks are looked at together. */
const defects: Readonly<Record<string, readonly string[]>> = {
  'DEF-1, a key that ended with SPIRE 1.6': ['config.production.spire-keys.unread 01-server.conf:17'],
  'DEF-2, an attestor that ended with SPIRE 1.12': [
    'node-attestation.production.attestor.removed 01-server.conf:32',
    'node-attestation.production.attestor.removed 02-agent.conf:13',
  ],
  'DEF-3, an account of a namespace that there is not': ['node-attestation.production.allow-list.unknown 01-server.conf:36'],
  'DEF-4, authorities of three servers, each on its own, with keys in memory': [
    'ca.hierarchy.keys.memory 01-server.conf:28',
    'ca.hierarchy.upstream.missing 01-server.conf:2',
  ],
  'DEF-5, a deprecated notifier': ['config.production.spire-deprecated.plugin 01-server.conf:42'],
  'DEF-6, the database: its password, its certificate, its name': [
    'secrets.none.spire.database-password 01-server.conf:24',
    'config.production.database.unverified 01-server.conf:24',
    'config.production.database.unknown-host 01-server.conf:24',
  ],
  'DEF-7, a kubelet that is not verified': ['node-attestation.production.verified.kubelet 02-agent.conf:25'],
  'DEF-8, a key that SPIRE never had, and ignores': ['config.production.spire-keys.unread 19-spire-performance.conf:5'],
  'DEF-9, probes that nobody answers': ['health.probes.spire-listener.probed 01-server.conf:2'],
  'DEF-10, data beside its volume, which the server may not write to': [
    'backup.configured.volume.outside 01-server.conf:6',
    'config.production.pods.volume-unwritable 05-spire-server.yaml:61',
    'config.production.references.missing 05-spire-server.yaml:17',
    'node-attestation.production.rights.none 05-spire-server.yaml:17',
    'resources.set.spread.not-spread 05-spire-server.yaml:8',
    'resources.set.spread.no-budget 05-spire-server.yaml:1',
  ],
  'DEF-10b, images that are published no more': [
    'config.production.images.retired 05-spire-server.yaml:20',
    'config.production.images.retired 04-compose.yaml:5',
    'config.production.images.retired 04-compose.yaml:16',
  ],
  'DEF-10c, a bundle that comes from nowhere, and no agent at all': [
    'spire.reachable.bootstrap.not-mounted 02-agent.conf:9',
    'spire.reachable.registration.no-agents 05-spire-server.yaml:1',
  ],
  'DEF-10d, an annotation that nobody reads': [
    'spire.reachable.registration.annotation 06-application.yaml:17',
    'spire.reachable.registration.none 06-application.yaml:1',
  ],
  'DEF-11, gRPC probes of the mTLS port': [
    'health.probes.pods.grpc-on-mtls 06-application.yaml:42',
    'health.probes.pods.grpc-on-mtls 06-application.yaml:47',
  ],
  'DEF-12, no startup probe': ['health.probes.pods.no-startup 06-application.yaml:21'],
  'DEF-13, another socket than the agent makes, in a directory that is made when it is missing': [
    'spire.reachable.socket-name.differs 02-agent.conf:7',
    'spire.reachable.mount.directory-made 06-application.yaml:71',
    'spire.reachable.mount.host-path 06-application.yaml:69',
  ],
  'DEF-14, a pod without an image, and one that is not restricted': [
    'config.production.pods.no-image 15-pod-security.yaml:15',
    'config.production.pods.run-shadowed 15-pod-security.yaml:25',
    'config.production.pods.not-restricted 06-application.yaml:18',
  ],
  'DEF-15, "or" in place of "and", and a label that Kubernetes does not set': [
    'network.policy.peers.or-for-and 07-service-and-network-policy.yaml:32',
    'network.policy.peers.label-unset 07-service-and-network-policy.yaml:34',
  ],
  'DEF-16, monitors that select nothing': [
    'observability.wired.scrape.unlabelled 07-service-and-network-policy.yaml:3',
    'observability.wired.scrape.no-target 11-service-monitors.yaml:8',
    'observability.wired.scrape.no-target 11-service-monitors.yaml:24',
    'observability.wired.scrape.no-port 11-service-monitors.yaml:28',
    'observability.wired.spire-telemetry.off 01-server.conf:2',
  ],
  'DEF-17, a policy that allows everybody, and no name to be looked up': [
    'network.policy.peers.everybody 07-service-and-network-policy.yaml:42',
    'network.policy.traffic.no-dns 07-service-and-network-policy.yaml:42',
  ],
  'DEF-18, every taint tolerated, nothing spread': [
    'resources.set.spread.tolerates-all 06-application.yaml:75',
    'resources.set.spread.not-spread 06-application.yaml:7',
    'shutdown.graceful.grace.unset 06-application.yaml:18',
    'config.production.pods.token-mounted 06-application.yaml:19',
    'config.production.images.unqualified 06-application.yaml:22',
    'resources.set.limits.cpu-limit 06-application.yaml:55',
  ],
  'DEF-19, the server open to everybody': [
    'network.policy.exposure.load-balancer 08-spire-server-services.yaml:23',
    'network.policy.exposure.source-lost 08-spire-server-services.yaml:23',
  ],
  'DEF-20, a field that CloudNativePG has not': ['observability.wired.database.unknown-field 09-database.yaml:23'],
  'DEF-21, a parameter that CloudNativePG keeps to itself': ['config.production.database-cluster.fixed-parameter 09-database.yaml:12'],
  'DEF-22, too few connections, no backups, plaintext': [
    'config.production.database.connections 01-server.conf:21',
    'backup.configured.database.not-scheduled 09-database.yaml:2',
    'config.production.database-cluster.plaintext 09-database.yaml:9',
  ],
  'DEF-23, an absolute budget': ['resources.set.scaling.budget-absolute 10-application-ha.yaml:8'],
  'DEF-24, scaled by memory, against fixed replicas, from a small request': [
    'resources.set.scaling.on-memory 10-application-ha.yaml:34',
    'resources.set.scaling.replicas-fixed 06-application.yaml:7',
    'resources.set.scaling.target-small 06-application.yaml:52',
  ],
  'DEF-25, a quantile of a whole life': [
    'observability.wired.expressions.no-rate 13-alerting-rules.yaml:29',
    'observability.wired.expressions.no-rate 12-dashboard.json:19',
  ],
  'DEF-26, alerts that are silent when there is nothing': ['observability.wired.alerts.silent 13-alerting-rules.yaml:10'],
  'DEF-27, a fixed threshold for certificates': ['observability.wired.alerts.fixed-threshold 13-alerting-rules.yaml:11'],
  'DEF-28, a dashboard that cannot be provisioned': [
    'observability.wired.dashboard.angular 12-dashboard.json:16',
    'observability.wired.dashboard.envelope 12-dashboard.json:2',
    'observability.wired.dashboard.incomplete 12-dashboard.json:2',
  ],
  'DEF-29, a label that is renamed': ['observability.wired.scrape.labels-renamed 11-service-monitors.yaml:12'],
  'DEF-31, TLS declared as gRPC': [
    'network.policy.mesh.protocol 16-istio.yaml:12',
    'network.policy.mesh.no-resolution 16-istio.yaml:7',
    'network.policy.mesh.api-version 16-istio.yaml:2',
  ],
  'DEF-32, an identity out of a header': ['network.policy.mesh.header-identity 16-istio.yaml:27'],
  'DEF-33, less memory than Node starts with': ['resources.set.limits.request-small 17-resources.yaml:5'],
  'DEF-34, variables of Go, and a heap without a limit': [
    'resources.set.runtime.go-variable 18-environment.yaml:3',
    'resources.set.runtime.go-variable 18-environment.yaml:7',
    'resources.set.runtime.no-heap-limit 06-application.yaml:28',
  ],
  'DEF-35, variables that no gRPC library reads': ['resources.set.runtime.keepalive-fast 18-environment.yaml:13'],
  'DEF-36, base images that are published no more': [
    'config.production.images.retired 03-container.Dockerfile:2',
    'config.production.images.no-version 03-container.Dockerfile:2',
    'config.production.images.retired 14-hardened.Dockerfile:2',
  ],
  'DEF-37, a compose file that cannot work': [
    'config.production.containers.version-obsolete 04-compose.yaml:1',
    'config.production.containers.command-repeated 04-compose.yaml:6',
    'config.production.containers.command-repeated 04-compose.yaml:17',
    'config.production.containers.engine-socket 04-compose.yaml:22',
    'config.production.containers.volume-unwritable 04-compose.yaml:9',
    'health.probes.containers.no-healthcheck 04-compose.yaml:4',
    'health.probes.containers.no-condition 04-compose.yaml:30',
    'network.policy.published.all-interfaces 04-compose.yaml:13',
    'spire.reachable.stack.no-variable 04-compose.yaml:40',
    'spire.reachable.stack.agent-blind 04-compose.yaml:15',
    'spire.reachable.stack.no-entries 04-compose.yaml:4',
    'spire.reachable.stack.kubernetes-attestor 04-compose.yaml:15',
  ],
};

/** What cannot be seen in the files. */
const unseen: Readonly<Record<string, string>> = {
  'DEF-30': 'it is about the names of the metrics that a process serves by default, and no file of the guide has them',
};

describe('the blocks of the deployment guide', () => {
  it('are nineteen', () => {
    expect(readdirSync(guide).length).toBe(19);
  });

  const together = findingsIn();

  it.each(Object.entries(defects))('%s', (_, wanted) => {
    expect(wanted.filter((each) => !together.includes(each))).toEqual([]);
  });

  it('have no defect that is neither found nor said to be unseen', () => {
    const numbers = [...Object.keys(defects).map((each) => each.split(',')[0] ?? ''), ...Object.keys(unseen)];
    const all = Array.from({ length: 37 }, (_, index) => `DEF-${index + 1}`);
    expect(numbers.toSorted()).toEqual([...all, 'DEF-10b', 'DEF-10c', 'DEF-10d'].toSorted());
  });
});

describe('a block of the guide by itself', () => {
  it.each<[name: string, found: readonly string[]]>([
    [
      '01-server.conf',
      [
        'ca.hierarchy.upstream.missing :2',
        'ca.hierarchy.keys.memory :28',
        'node-attestation.production.attestor.removed :32',
        'observability.wired.spire-telemetry.off :2',
        'config.production.spire-keys.unread :17',
        'config.production.spire-deprecated.plugin :42',
        'config.production.spire-socket.temporary :2',
        'config.production.database.unverified :24',
        'health.probes.spire-listener.off :2',
        'secrets.none.spire.database-password :24',
      ],
    ],
    [
      '02-agent.conf',
      [
        'node-attestation.production.attestor.removed :13',
        'node-attestation.production.verified.kubelet :25',
        'observability.wired.spire-telemetry.off :2',
        'config.production.spire-socket.temporary :7',
        'health.probes.spire-listener.off :2',
      ],
    ],
    ['03-container.Dockerfile', ['config.production.images.no-version :2', 'config.production.images.retired :2']],
    [
      '04-compose.yaml',
      [
        'spire.reachable.stack.no-entries :4',
        'spire.reachable.stack.agent-blind :15',
        'spire.reachable.stack.no-variable :40',
        'network.policy.published.all-interfaces :13',
        'network.policy.published.all-interfaces :36',
        'config.production.images.retired :5',
        'config.production.images.retired :16',
        'config.production.containers.version-obsolete :1',
        'config.production.containers.command-repeated :6',
        'config.production.containers.volume-unwritable :9',
        'config.production.containers.not-hardened :4',
        'config.production.containers.engine-socket :22',
        'config.production.containers.command-repeated :17',
        'config.production.containers.not-hardened :15',
        'config.production.containers.not-hardened :27',
        'health.probes.containers.no-healthcheck :4',
        'health.probes.containers.no-healthcheck :15',
        'health.probes.containers.no-condition :18',
        'health.probes.containers.no-condition :30',
        'shutdown.graceful.grace.too-short :27',
      ],
    ],
    [
      '05-spire-server.yaml',
      [
        'config.production.images.retired :20',
        'config.production.pods.not-restricted :16',
        'config.production.pods.writable-root :19',
        'config.production.pods.volume-unwritable :61',
        'resources.set.spread.not-spread :8',
        'health.probes.pods.port-undeclared :38',
        'health.probes.pods.port-undeclared :44',
      ],
    ],
    [
      '06-application.yaml',
      [
        'spire.reachable.mount.directory-made :71',
        'spire.reachable.mount.host-path :69',
        'spire.reachable.registration.annotation :17',
        'config.production.images.unqualified :22',
        'config.production.pods.not-restricted :18',
        'config.production.pods.token-mounted :19',
        'resources.set.limits.cpu-limit :55',
        'resources.set.runtime.no-heap-limit :28',
        'resources.set.spread.tolerates-all :75',
        'resources.set.spread.not-spread :7',
        'health.probes.pods.grpc-on-mtls :42',
        'health.probes.pods.grpc-on-mtls :47',
        'health.probes.pods.no-startup :21',
        'shutdown.graceful.grace.unset :18',
      ],
    ],
    [
      '07-service-and-network-policy.yaml',
      [
        'network.policy.peers.or-for-and :32',
        'network.policy.peers.label-unset :34',
        'network.policy.peers.everybody :42',
        'network.policy.traffic.no-dns :42',
        'observability.wired.scrape.unlabelled :3',
      ],
    ],
    ['08-spire-server-services.yaml', ['network.policy.exposure.load-balancer :23', 'network.policy.exposure.source-lost :23']],
    [
      '09-database.yaml',
      [
        'observability.wired.database.unknown-field :23',
        'backup.configured.database.not-scheduled :2',
        'config.production.database-cluster.fixed-parameter :12',
        'config.production.database-cluster.plaintext :9',
      ],
    ],
    ['10-application-ha.yaml', ['resources.set.scaling.on-memory :34', 'resources.set.scaling.budget-absolute :8']],
    [
      '11-service-monitors.yaml',
      // Whether they select anything can be told with the Services alone.
      [],
    ],
    [
      '12-dashboard.json',
      [
        'observability.wired.expressions.no-rate :19',
        'observability.wired.dashboard.envelope :2',
        'observability.wired.dashboard.angular :16',
        'observability.wired.dashboard.incomplete :2',
      ],
    ],
    [
      '13-alerting-rules.yaml',
      [
        'observability.wired.expressions.no-rate :29',
        'observability.wired.alerts.fixed-threshold :11',
        'observability.wired.alerts.silent :10',
      ],
    ],
    ['14-hardened.Dockerfile', ['config.production.images.retired :2', 'health.probes.containers.no-healthcheck :13']],
    [
      '15-pod-security.yaml',
      [
        'config.production.pods.no-image :15',
        'config.production.pods.run-shadowed :25',
        'resources.set.limits.no-request :15',
        'resources.set.limits.no-memory-limit :15',
      ],
    ],
    [
      '16-istio.yaml',
      [
        'network.policy.mesh.api-version :2',
        'network.policy.mesh.protocol :12',
        'network.policy.mesh.no-resolution :7',
        'network.policy.mesh.api-version :17',
        'network.policy.mesh.header-identity :27',
      ],
    ],
    ['17-resources.yaml', ['resources.set.limits.request-small :5', 'resources.set.limits.cpu-limit :7']],
    [
      '18-environment.yaml',
      ['resources.set.runtime.go-variable :3', 'resources.set.runtime.go-variable :7', 'resources.set.runtime.keepalive-fast :13'],
    ],
    [
      '19-spire-performance.conf',
      [
        'observability.wired.spire-telemetry.off :2',
        'config.production.spire-keys.unread :5',
        // The trust domain, the trust bundle, and three types of plugins.
        ...Array.from({ length: 5 }, () => 'config.production.spire-required.missing :2'),
        'health.probes.spire-listener.off :2',
      ],
    ],
  ])('%s gives exactly these findings', (name, found) => {
    expect(findingsIn(name)).toEqual(found.map((each) => each.replace(' ', ` ${name}`)));
  });
});
