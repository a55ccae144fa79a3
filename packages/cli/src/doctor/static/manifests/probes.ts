// Whether probes ask what can answer them, and restart nobody for what a restart does not mend.
import { type Finding, finding, type Mend, mend, type Rule } from '../../check.ts';
import { type Document, documentsOf, type ServiceConfigDocument, type StaticEvidence } from '../../documents/document.ts';
import type { YamlNode } from '../../documents/yaml-node.ts';
import { serviceConfigOf } from './configs.ts';
import { placeOf } from './objects.ts';
import { type Container, type Pod, podsOf, portsOf } from './pods.ts';
import { createRule, lookAt } from './rule.ts';
import { textAt } from './values.ts';

const KINDS = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;
type Kind = (typeof KINDS)[number];

const ends = { livenessProbe: 'no-liveness', readinessProbe: 'no-readiness', startupProbe: 'no-startup' } as const;
const missing: Readonly<Record<Kind, string>> = {
  livenessProbe: 'is never restarted when it hangs',
  readinessProbe: 'gets calls before it has an identity',
  startupProbe: 'may be restarted while it waits for its first identity',
};
const probes: Readonly<Record<Kind, Mend>> = {
  livenessProbe: mend('ask whether it lives', 'livenessProbe: { httpGet: { path: /livez, port: 9080 }, periodSeconds: 10 }'),
  readinessProbe: mend('ask whether it can take calls', 'readinessProbe: { httpGet: { path: /readyz, port: 9080 }, periodSeconds: 5 }'),
  startupProbe: mend(
    'give the start its time',
    'startupProbe: { httpGet: { path: /startupz, port: 9080 }, periodSeconds: 2, failureThreshold: 150 }',
  ),
};
const spireProbes: Readonly<Record<Kind, Mend>> = {
  livenessProbe: mend('ask its health listener', 'livenessProbe: { httpGet: { path: /live, port: <bind_port of health_checks> } }'),
  readinessProbe: mend('ask its health listener', 'readinessProbe: { httpGet: { path: /ready, port: <bind_port of health_checks> } }'),
  startupProbe: mend('give the start its time'),
};

/** A container that goes on running, with the pod that it is of. */
interface Running {
  readonly pod: Pod | undefined;
  readonly container: Container;
}

function runningIn(documents: readonly Document[]): readonly Running[] {
  const inPods = podsOf(documents)
    .filter(({ kind }) => kind !== 'Job' && kind !== 'CronJob')
    .flatMap((pod) => pod.containers.filter(({ isInit }) => !isInit).map((container) => ({ pod, container })));
  const parts = documentsOf(documents, 'fragment').flatMap(({ file, node }): readonly Running[] =>
    KINDS.every((kind) => node.get(kind) === undefined)
      ? []
      : [
          {
            pod: undefined,
            container: { file, node, name: '', isInit: false, role: 'service', isPart: true, title: 'this part of a container' },
          },
        ],
  );
  return [...inPods, ...parts];
}

function* probeFindings({ pod, container }: Running, documents: readonly Document[]): Generator<Finding> {
  const { node, file, title, role, isPart } = container;
  const config = pod === undefined ? undefined : serviceConfigOf(documents, pod, container);
  for (const kind of KINDS) {
    const probe = node.get(kind);
    if (probe !== undefined) yield* portFindings(probe, { container, config });
    else if (!isPart && isExpected(kind, container)) {
      yield finding(`health.probes.pods.${ends[kind]}`, `${title} ${missing[kind]}`, {
        evidence: [`there is no ${kind}`],
        mends: [(role === 'service' ? probes : spireProbes)[kind]],
        place: placeOf(file, node),
      });
    }
  }
  const path = textAt(node, 'livenessProbe', 'httpGet', 'path');
  const isReadiness = path !== undefined && (/ready/.test(path) || path === textAt(node, 'readinessProbe', 'httpGet', 'path'));
  if (isReadiness && role !== 'spire-server' && role !== 'spire-agent') {
    yield finding('health.probes.pods.liveness-on-readiness', `${title} is restarted whenever it is not ready`, {
      evidence: [`livenessProbe asks ${path}: an agent that is away for a moment restarts every pod, which mends nothing`],
      mends: [probes.livenessProbe],
      place: placeOf(file, node.get('livenessProbe')),
    });
  }
}

// Of what is neither ours nor SPIRE's nothing is known; and SPIRE needs no probe of its start.
function isExpected(kind: Kind, { role, node }: Container): boolean {
  if (role === 'service') return kind !== 'startupProbe' || node.get('livenessProbe') !== undefined;
  return role !== 'other' && kind !== 'startupProbe';
}

function* portFindings(
  probe: YamlNode,
  { container, config }: { readonly container: Container; readonly config: ServiceConfigDocument | undefined },
): Generator<Finding> {
  const { file, title, role } = container;
  const grpc = probe.get('grpc', 'port');
  if (grpc !== undefined && role === 'service' && isForCalls(Number(grpc.text()), container, config)) {
    yield finding(
      'health.probes.pods.grpc-on-mtls',
      `kubelet asks ${title} in plaintext on port ${grpc.text() ?? ''}, which wants a certificate`,
      {
        evidence: [
          'a gRPC probe has no client certificate and speaks no TLS: it fails each time, and the pod never gets ready or is restarted',
        ],
        mends: [mend('ask the plaintext port of health', 'httpGet: { path: /readyz, port: 9080 }')],
        place: placeOf(file, grpc),
      },
    );
    return;
  }
  const asked = probe.get('httpGet', 'port') ?? probe.get('tcpSocket', 'port') ?? grpc;
  const port = asked?.text();
  const ports = portsOf(container);
  if (asked === undefined || port === undefined || container.isPart) return;
  const isNamed = ports.some((each) => each.name === port || String(each.port) === port);
  if (isNamed || (config !== undefined && config.config?.health?.address.port === Number(port))) return;
  yield finding('health.probes.pods.port-undeclared', `${title} is asked on port ${port}, which it does not have`, {
    evidence: [
      ports.length === 0
        ? 'the container has no ports'
        : `its ports are ${ports.map((each) => [each.name, each.port].join(' ').trim()).join(', ')}`,
    ],
    mends: [
      mend(
        'name the port on which it answers, and the same here',
        'ports:',
        `  - { name: health, containerPort: ${/^\d+$/.test(port) ? port : 9080} }`,
      ),
    ],
    place: placeOf(file, asked),
  });
}

// Its configuration says where calls come in; else the port that is not called by what it is for.
function isForCalls(port: number, container: Container, config: ServiceConfigDocument | undefined): boolean {
  if (config?.config !== undefined) return config.config.listen?.address.port === port;
  const named = portsOf(container).find((each) => each.port === port)?.name ?? '';
  return !/health|probe|live|ready/.test(named);
}

/** Probes of pods. */
export const podProbesRule: Rule<StaticEvidence> = createRule({
  id: 'health.probes.pods',
  title: 'probes of pods ask what can answer',
  thing: 'container that goes on running',
  things: 'containers that go on running',
  look: (documents) => lookAt(runningIn(documents), (each) => probeFindings(each, documents)),
});
