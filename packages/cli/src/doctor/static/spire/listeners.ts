// Whether SPIRE answers probes and Prometheus, where they ask.

import { findAll } from '../../../deploy/spire/hcl-lookup.ts';
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import type { Document, StaticEvidence } from '../../documents/document.ts';
import { podsOf } from '../manifests/pods.ts';
import { createRule } from '../manifests/rule.ts';
import { textAt } from '../manifests/values.ts';
import { type Conf, isSetTo, lookAtConfs, placeIn, textOf } from './confs.ts';

const LOOPBACK = /^(127\.|::1$|localhost$)/;

/** The rule. */
export const healthListenerRule: Rule<StaticEvidence> = createRule({
  id: 'health.probes.spire-listener',
  title: 'SPIRE answers its probes',
  thing: 'SPIRE configuration',
  look: (documents) => lookAtConfs(documents, undefined, (conf) => judgeHealth(conf, documents)),
});

function* judgeHealth(conf: Conf, documents: readonly Document[]): Generator<Finding> {
  const at = (key: string): ReturnType<typeof findAll>[number] | undefined => findAll(conf.root, ['health_checks', key]).at(-1);
  const section = findAll(conf.root, ['health_checks']).at(-1);
  const probe = probeOf(conf, documents);
  const isOn = isSetTo(at('listener_enabled'), true);
  const mends = [
    mend('turn it on', 'health_checks {', '  listener_enabled = true', '  bind_address = "0.0.0.0"', '  bind_port = "8080"', '}'),
  ];
  if (!isOn) {
    if (probe === undefined) {
      yield finding('health.probes.spire-listener.off', `spire-${conf.program} answers no probes`, {
        evidence: ['health_checks.listener_enabled is not true, and the listener is off by default'],
        mends,
        place: placeIn(conf, section?.key),
      });
    } else {
      yield finding('health.probes.spire-listener.probed', `spire-${conf.program} is probed, and answers no probes`, {
        evidence: [
          `${probe.place} asks port ${probe.port}`,
          'health_checks.listener_enabled is not true: the pod is restarted, and never ready',
        ],
        mends,
        place: placeIn(conf, section?.key),
      });
    }
    return;
  }
  const [address, port] = [textOf(at('bind_address')) ?? 'localhost', textOf(at('bind_port')) ?? '80'];
  if (probe === undefined || (!LOOPBACK.test(address) && (port === probe.port || !/^\d+$/.test(probe.port)))) return;
  yield finding('health.probes.spire-listener.elsewhere', `spire-${conf.program} answers probes where nobody asks`, {
    evidence: [`${probe.place} asks port ${probe.port} of the pod`, `it listens on ${address}, port ${port}`],
    mends: [mend('listen there', 'bind_address = "0.0.0.0"', `bind_port = "${probe.port}"`)],
    place: placeIn(conf, (LOOPBACK.test(address) ? at('bind_address') : at('bind_port'))?.key ?? section?.key),
  });
}

function probeOf({ program }: Conf, documents: readonly Document[]): { readonly place: string; readonly port: string } | undefined {
  for (const pod of podsOf(documents)) {
    for (const { node, role, file } of pod.containers) {
      if (role !== `spire-${program}`) continue;
      for (const kind of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
        const given = textAt(node, kind, 'httpGet', 'port');
        const named = (node.get('ports')?.items() ?? []).find((each) => textAt(each, 'name') === given);
        const port = textAt(named, 'containerPort') ?? given;
        if (port !== undefined) return { place: `${file}:${node.get(kind)?.line ?? node.line}`, port };
      }
    }
  }
  return undefined;
}

/** The rule. */
export const telemetryRule: Rule<StaticEvidence> = createRule({
  id: 'observability.wired.spire-telemetry',
  title: 'SPIRE has metrics',
  thing: 'SPIRE configuration',
  look: (documents) =>
    lookAtConfs(documents, undefined, (conf) => {
      const sinks = ['Prometheus', 'Statsd', 'DogStatsd', 'M3'];
      if (sinks.some((sink) => findAll(conf.root, ['telemetry', sink]).length > 0)) return [];
      return [
        finding('observability.wired.spire-telemetry.off', `spire-${conf.program} has no metrics`, {
          evidence: ['there is no telemetry section, and none is the default'],
          mends: [mend('let Prometheus ask', 'telemetry {', '  Prometheus { host = "0.0.0.0" port = 9988 }', '}')],
          place: placeIn(conf),
        }),
      ];
    }),
});
