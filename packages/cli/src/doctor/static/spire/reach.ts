// Whether agents find the bundle of their server, and workloads the socket of the agent, where compose or manifests say how they run.
import { basename } from 'node:path';
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import { type Document, documentsOf, type StaticEvidence, type YamlNode } from '../../documents/document.ts';
import { containersOf, mountsOf, podsOf, variableOf } from '../manifests/pods.ts';
import { createRule, lookAt } from '../manifests/rule.ts';
import { textAt } from '../manifests/values.ts';
import { type Conf, confsOf, lookAtConfs, placeIn, settingText } from './confs.ts';

/** The rule. */
export const bootstrapRule: Rule<StaticEvidence> = createRule({
  id: 'spire.reachable.bootstrap',
  title: 'agents have the bundle that they verify their server with',
  thing: 'deployed spire-agent configuration',
  look(documents) {
    const runs = agentMounts(documents);
    return lookAt(runs.length === 0 ? [] : confsOf(documents, 'agent'), (conf) => judgeBootstrap(conf, runs));
  },
});

interface Run {
  readonly title: string;
  readonly place: string;
  readonly mounts: readonly string[];
}

function agentMounts(documents: readonly Document[]): readonly Run[] {
  const pods = podsOf(documents).flatMap((pod) =>
    pod.containers
      .filter(({ role }) => role === 'spire-agent')
      .map((container) => ({
        title: container.title,
        place: `${container.file}:${container.node.line}`,
        mounts: mountsOf(container, pod).map(({ path }) => path),
      })),
  );
  const services = documentsOf(documents, 'compose').flatMap(({ file, node }) =>
    (node.get('services')?.entries() ?? [])
      .filter(([, service]) => /(^|\/)spire-agent([:@$]|$)/.test(textAt(service, 'image') ?? ''))
      .map(([name, service]) => ({ title: `service ${name}`, place: `${file}:${service.line}`, mounts: targetsOf(service) })),
  );
  return [...pods, ...services];
}

function targetsOf(service: YamlNode): readonly string[] {
  const volumes = (service.get('volumes')?.items() ?? []).flatMap((each) => textAt(each, 'target') ?? each.text()?.split(':')[1] ?? []);
  const files = ['configs', 'secrets'].flatMap((key) => (service.get(key)?.items() ?? []).flatMap((each) => textAt(each, 'target') ?? []));
  return [...volumes, ...files];
}

function* judgeBootstrap(conf: Conf, runs: readonly Run[]): Generator<Finding> {
  const path = settingText(conf, 'trust_bundle_path');
  if (path === undefined || !path.text.startsWith('/')) return;
  const isMounted = ({ mounts }: Run): boolean =>
    mounts.some((each) => path.text === each || path.text.startsWith(`${each.replace(/\/$/, '')}/`));
  // A deployment may have agents of several kinds: one that fits is enough.
  if (runs.some(isMounted)) return;
  const [run] = runs;
  if (run === undefined) return;
  yield finding('spire.reachable.bootstrap.not-mounted', 'nothing brings the trust bundle to the agent', {
    evidence: [`trust_bundle_path is ${path.text}`, `${run.title} mounts ${run.mounts.join(', ') || 'nothing'} (${run.place})`],
    mends: [
      mend('mount the bundle that the servers publish there (BundlePublisher k8s_configmap), or a file with the upstream authorities'),
    ],
    place: placeIn(conf, path.key),
  });
}

/** The rule. */
export const socketNameRule: Rule<StaticEvidence> = createRule({
  id: 'spire.reachable.socket-name',
  title: 'workloads look for the socket that the agent makes',
  thing: 'agent-workload pair',
  look(documents) {
    const wanted = wantedSockets(documents);
    if (wanted.length === 0) return { count: 0, findings: [] };
    return lookAtConfs(documents, 'agent', (conf) => judgeSocket(conf, wanted));
  },
});

interface Wanted {
  readonly path: string;
  readonly place: string;
}

function wantedSockets(documents: readonly Document[]): readonly Wanted[] {
  const containers = containersOf(documents).flatMap((container): readonly Wanted[] => {
    const found = variableOf(container, 'SPIFFE_ENDPOINT_SOCKET');
    return found?.value === undefined || container.role === 'spire-agent'
      ? []
      : [{ path: found.value, place: `${container.file}:${found.node.line}` }];
  });
  const services = documentsOf(documents, 'compose').flatMap(({ file, node }) =>
    (node.get('services')?.entries() ?? []).flatMap(([, service]): readonly Wanted[] => {
      const environment = service.get('environment');
      const listed = environment?.items().find((each) => each.text()?.startsWith('SPIFFE_ENDPOINT_SOCKET=') === true);
      const path = textAt(environment, 'SPIFFE_ENDPOINT_SOCKET') ?? listed?.text()?.slice('SPIFFE_ENDPOINT_SOCKET='.length);
      const line = (environment?.get('SPIFFE_ENDPOINT_SOCKET') ?? listed)?.line;
      return path === undefined ? [] : [{ path, place: `${file}:${line ?? service.line}` }];
    }),
  );
  return [...containers, ...services].filter(({ path }) => !path.includes('$') && !path.startsWith('tcp:'));
}

function* judgeSocket(conf: Conf, wanted: readonly Wanted[]): Generator<Finding> {
  const path = settingText(conf, 'socket_path');
  const [other] = wanted;
  // In a container the socket may be in another directory than the agent's; its name is the same.
  if (path === undefined || other === undefined || wanted.some((each) => basename(each.path) === basename(path.text))) return;
  yield finding('spire.reachable.socket-name.differs', 'workloads look for another socket than the agent makes', {
    evidence: [`the agent makes ${path.text}`, `a workload opens ${other.path} (${other.place})`],
    mends: [mend('give both the same file name', `socket_path = "/run/spire/sockets/${basename(other.path)}"`)],
    place: placeIn(conf, path.key),
  });
}
