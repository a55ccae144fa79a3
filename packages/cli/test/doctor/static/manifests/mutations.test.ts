// deploy/kubernetes with one mistake each: the rule that it breaks finds it, and no other rule does.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { judge } from '../../../../src/doctor/judge.ts';
import { staticChecklist } from '../../../../src/doctor/static/checklist.ts';
import { findingsOf, readTexts, type Texts } from '../../../support/documents.ts';

const folder = fileURLToPath(new URL('../../../../../../deploy/kubernetes', import.meta.url));
const own: Texts = Object.fromEntries(
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name))
    .map((path) => [relative(folder, path), readFileSync(path, 'utf8')]),
);

async function idsOf(texts: Texts): Promise<readonly string[]> {
  const found = findingsOf(judge(staticChecklist, await readTexts(texts)));
  return [...new Set(found.map((each) => each.split(' ')[0] ?? ''))].toSorted();
}

/** A file with its first `from` replaced, which has to be there. */
function changed(name: string, from: string | RegExp, to: string): Texts {
  const before = own[name] ?? '';
  const after = before.replace(from, to);
  if (after === before) throw new Error(`${name} has no ${String(from)}`);
  return { ...own, [name]: after };
}

const SERVER = 'base/server.yaml';
const NETWORK = 'base/network.yaml';

describe('deploy/kubernetes with a mistake', () => {
  it('has none as it is', async () => expect(await idsOf(own)).toEqual([]));

  it.each<[what: string, file: string, from: string | RegExp, to: string, found: readonly string[]]>([
    [
      'a Service that lost the label of its monitor',
      SERVER,
      /(kind: Service\nmetadata:\n.*\n.*\n {2}labels:\n) {4}app.kubernetes.io\/name: .*\n/,
      '$1',
      ['observability.wired.scrape.no-target'],
    ],
    [
      'a port of metrics by another name',
      SERVER,
      /- name: metrics\n( {6}port)/,
      '- name: metric\n$1',
      ['observability.wired.scrape.no-port'],
    ],
    [
      'a monitor that renames the label service',
      'base/monitor.yaml',
      'honorLabels: true',
      'honorLabels: false',
      ['observability.wired.scrape.labels-renamed'],
    ],
    [
      'a rule about a metric that there is not',
      'base/rules.yaml',
      'ephemos_spire_agent_connection_status',
      'ephemos_agent_connection_status',
      ['observability.wired.expressions.unknown-metric'],
    ],
    [
      'a rule about a counter with _total',
      'spire/monitoring/rules.yaml',
      'attest_agent{',
      'attest_agent_total{',
      ['observability.wired.expressions.unknown-metric'],
    ],
    ['a rule that is no PromQL', 'base/rules.yaml', '[5m]', '[5m', ['observability.wired.expressions.mistake']],
    ['a quantile without its buckets', 'base/rules.yaml', /, le\)/, ')', ['observability.wired.expressions.no-le']],
    [
      'a key of the configuration that nothing reads',
      'base/config/echo-server.yaml',
      'max_body_bytes',
      'max_body_size',
      ['config.production.service-config.invalid'],
    ],
    [
      'a policy that forgets DNS',
      NETWORK,
      /ports:\n {8}- protocol: UDP\n {10}port: 53\n {8}- protocol: TCP\n {10}port: 53/,
      'ports: [{ protocol: TCP, port: 853 }]',
      ['network.policy.traffic.no-dns'],
    ],
    ['a policy that forgets Prometheus', NETWORK, 'port: 9090', 'port: 9091', ['network.policy.traffic.no-metrics']],
    ['"or" in place of "and"', NETWORK, /( {10})podSelector:/, '        - podSelector:', ['network.policy.peers.or-for-and']],
    ['a heap beyond the limit', SERVER, '--max-old-space-size=160', '--max-old-space-size=256', ['resources.set.runtime.heap-large']],
    ['no limit of memory', SERVER, /limits:\n {14}memory: 256Mi/, 'limits: {}', ['resources.set.limits.no-memory-limit']],
    [
      'a drain that is longer than its time',
      SERVER,
      'terminationGracePeriodSeconds: 30',
      'terminationGracePeriodSeconds: 25',
      ['shutdown.graceful.grace.too-short'],
    ],
    [
      'a gRPC probe on the port of calls',
      SERVER,
      /livenessProbe:\n {12}httpGet:\n.*\n.*\n/,
      'livenessProbe:\n            grpc: { port: 8080 }\n',
      ['health.probes.pods.grpc-on-mtls'],
    ],
    ['a liveness probe that asks for readiness', SERVER, 'path: /livez', 'path: /readyz', ['health.probes.pods.liveness-on-readiness']],
    ['no readiness probe', SERVER, 'readinessProbe:', 'readiness:', ['health.probes.pods.no-readiness']],
    [
      'replicas under an autoscaler',
      SERVER,
      '  revisionHistoryLimit: 5',
      '  replicas: 3\n  revisionHistoryLimit: 5',
      ['resources.set.scaling.replicas-fixed'],
    ],
    ['a writable root', SERVER, 'readOnlyRootFilesystem: true', 'readOnlyRootFilesystem: false', ['config.production.pods.writable-root']],
    ['no seccomp profile', SERVER, /seccompProfile:\n.*\n/, '', ['config.production.pods.not-restricted']],
    ['an image without a version', SERVER, 'echo:0.1.0', 'echo', ['config.production.images.no-version']],
    [
      'an account that there is not',
      SERVER,
      'serviceAccountName: echo-server',
      'serviceAccountName: echo',
      ['config.production.references.missing'],
    ],
    [
      'an identity for other pods',
      'base/identities.yaml',
      /podSelector:\n( +)matchLabels:\n( +)app.kubernetes.io\/name: echo-server/,
      'podSelector:\n$1matchLabels:\n$2app.kubernetes.io/name: other',
      ['spire.reachable.registration.none'],
    ],
    [
      'no Workload API',
      SERVER,
      /- name: spiffe-workload-api\n {14}mountPath: \S+\n {14}readOnly: true\n/,
      '- { name: tmp, mountPath: /var/tmp }\n',
      ['spire.reachable.mount.not-mounted'],
    ],
    [
      'a database without a schedule',
      'spire/database/backup.yaml',
      'kind: ScheduledBackup',
      'kind: Backup',
      ['backup.configured.database.not-scheduled'],
    ],
    [
      'a secret in the environment',
      SERVER,
      '- name: UV_THREADPOOL_SIZE',
      '- name: DATABASE_PASSWORD',
      ['secrets.none.manifests.env-literal'],
    ],
    ['images by tag, in a project that is no sample', 'ephemos-deploy.json', '"sample": true,', '', ['config.production.pins.tag']],
  ])('%s', async (_, file, from, to, found) => {
    expect(await idsOf(changed(file, from, to))).toEqual(found);
  });
});
