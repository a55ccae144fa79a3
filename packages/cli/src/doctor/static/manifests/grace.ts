// Whether a service has the time to drain before it is killed, and hears that it should end.
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import { type Document, documentsOf, type StaticEvidence } from '../../documents/document.ts';
import type { YamlNode } from '../../documents/yaml-node.ts';
import { serviceConfigOf } from './configs.ts';
import { placeOf } from './objects.ts';
import { type Container, type Pod, podsOf } from './pods.ts';
import { createRule, joined, type Looked, lookAt } from './rule.ts';
import { numberAt, textsAt } from './values.ts';

/** What Kubernetes gives a pod that says nothing, in seconds. */
const DEFAULT_GRACE = 30;
/** What Docker gives a container that says nothing, in seconds. */
const DEFAULT_STOP = 10;
/** drain_delay and deadline of a configuration that says nothing, in seconds. */
const DEFAULT_DRAIN = 25;

function* podFindings(pod: Pod, documents: readonly Document[]): Generator<Finding> {
  const { file, spec, title } = pod;
  const services = pod.containers.filter(({ role, isInit }) => role === 'service' && !isInit);
  const given = spec.get('terminationGracePeriodSeconds');
  const grace = numberAt(given) ?? DEFAULT_GRACE;
  const mends = (least: number) => [mend('give it more time than it takes', `terminationGracePeriodSeconds: ${least + 5}`)];
  let isKnown = false;
  for (const container of services) {
    const config = serviceConfigOf(documents, pod, container)?.config;
    if (config === undefined) continue;
    isKnown = true;
    const drain = (config.shutdown.drainDelay + config.shutdown.deadline) / 1000;
    const before = numberAt(container.node, 'lifecycle', 'preStop', 'sleep', 'seconds') ?? 0;
    if (drain + before < grace) continue;
    yield finding('shutdown.graceful.grace.too-short', `${title} is killed while it drains`, {
      evidence: [
        `terminationGracePeriodSeconds: ${grace}${given === undefined ? ', the default' : ''}`,
        `drain_delay + deadline: ${drain} s${before === 0 ? '' : `, after ${before} s of preStop`}`,
      ],
      mends: mends(drain + before),
      place: placeOf(file, given, spec),
    });
  }
  if (given !== undefined && !isKnown && services.length > 0 && grace <= DEFAULT_DRAIN) {
    yield finding(
      'shutdown.graceful.grace.too-short',
      `${title} is killed while it drains, unless its configuration says less than the defaults`,
      {
        evidence: [`terminationGracePeriodSeconds: ${grace}`, 'drain_delay + deadline: 25 s by default'],
        mends: mends(DEFAULT_DRAIN),
        place: placeOf(file, given),
      },
    );
  }
  if (given === undefined && services.length > 0) {
    yield finding('shutdown.graceful.grace.unset', `${title} does not say how long it may take to end`, {
      evidence: [`Kubernetes gives it ${DEFAULT_GRACE} s; what it takes is drain_delay + deadline of its configuration`],
      mends: mends(DEFAULT_DRAIN),
      place: placeOf(file, spec),
    });
  }
}

/** Services of compose: those that are told of Ephemos. */
function* composeFindings(service: readonly [name: string, node: YamlNode], file: string): Generator<Finding> {
  const [name, node] = service;
  const given = node.get('stop_grace_period');
  const seconds = given === undefined ? DEFAULT_STOP : secondsOf(given.text());
  if (seconds === undefined || seconds > DEFAULT_DRAIN) return;
  yield finding('shutdown.graceful.grace.too-short', `the container ${name} is killed while it drains`, {
    evidence: [`stop_grace_period: ${seconds} s${given === undefined ? ', the default' : ''}`, 'drain_delay + deadline: 25 s by default'],
    mends: [mend('give it more time than it takes', 'stop_grace_period: 30s')],
    place: placeOf(file, given, node),
  });
}

function secondsOf(text: string | undefined): number | undefined {
  const [, minutes, seconds] = /^(?:(\d+)m)?(?:(\d+)s?)?$/.exec(text ?? '') ?? [];
  return minutes === undefined && seconds === undefined ? undefined : Number(minutes ?? 0) * 60 + Number(seconds ?? 0);
}

function composeServices(documents: readonly Document[]): Looked {
  const services = documentsOf(documents, 'compose').flatMap(({ file, node }) =>
    (node.get('services')?.entries() ?? [])
      .filter(([, each]) => isEphemosService(each) && each.get('restart')?.text() !== 'no')
      .map((service) => ({ file, service })),
  );
  return lookAt(services, ({ file, service }) => composeFindings(service, file));
}

/** Whether a service of compose is one of ours: it is told where its configuration is, or where the Workload API. */
export function isEphemosService(service: YamlNode): boolean {
  const variables = service.get('environment');
  const names = [...(variables?.entries() ?? []).map(([name]) => name), ...(variables?.items() ?? []).map((each) => each.text() ?? '')];
  return names.some((name) => /^(EPHEMOS_|SPIFFE_ENDPOINT_SOCKET)/.test(name));
}

/** The time to end. */
export const graceRule: Rule<StaticEvidence> = createRule({
  id: 'shutdown.graceful.grace',
  title: 'a service that ends has the time to drain',
  thing: 'service that drains',
  things: 'services that drain',
  look(documents) {
    const pods = podsOf(documents).filter(({ kind, roles }) => kind !== 'Job' && kind !== 'CronJob' && roles.has('service'));
    return joined(
      lookAt(pods, (pod) => podFindings(pod, documents)),
      composeServices(documents),
    );
  },
});

/** A shell in front of a program, which keeps SIGTERM to itself: `sh -c "node app"`, without exec. */
export function hidesSignals(words: readonly string[]): boolean {
  const [program = '', flag = '', script = ''] = words;
  return /(^|\/)(ba|da|a)?sh$/.test(program) && /^-\w*c$/.test(flag) && !/(^|[;&]\s*)exec\s/.test(script.trim());
}

/** A container whose command is a shell. */
export function* shellFindings({ file, node, title }: Container): Generator<Finding> {
  const words = [...textsAt(node, 'command'), ...textsAt(node, 'args')];
  if (!hidesSignals(words)) return;
  yield finding('shutdown.graceful.signals.shell', `${title} is started by a shell, which does not pass SIGTERM on`, {
    evidence: [words.join(' ').slice(0, 200)],
    mends: [mend('start the program itself, or let the shell become it', 'command: ["sh", "-c", "exec <program>"]')],
    place: placeOf(file, node.get('command'), node),
  });
}
