// Whether pods ask for no more of their node than they need: the profile "restricted" of Kubernetes, and what an image cannot say.
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import { type Document, documentsOf, type StaticEvidence } from '../../documents/document.ts';
import type { YamlNode } from '../../documents/yaml-node.ts';
import { namespaceLabels, objectsOf, placeOf } from './objects.ts';
import { type Container, type Pod, podsOf } from './pods.ts';
import { createRule, joined, lookAt } from './rule.ts';
import { isTrue, itemsAt, textAt, textsAt } from './values.ts';

const ENFORCE = 'pod-security.kubernetes.io/enforce';

/** What a volume of a restricted pod may be. */
const VOLUMES: ReadonlySet<string> = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
  'image',
]);

const context = [
  'securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: RuntimeDefault } }   # of the pod',
  'securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: [ALL] } }   # of each container',
] as const;

function* podFindings(pod: Pod, documents: readonly Document[]): Generator<Finding> {
  const { file, spec, title, namespace } = pod;
  // A namespace that is open on purpose: agents and drivers cannot do without.
  if (namespaceLabels(documents, namespace)?.get(ENFORCE) === 'privileged') return;
  const broken = [...podViolations(spec), ...pod.containers.flatMap((each) => [...containerViolations(each, spec)])];
  if (broken.length > 0) {
    yield finding('config.production.pods.not-restricted', `${title} is not "restricted"`, {
      evidence: broken,
      mends: [mend('ask for nothing of the node', ...context)],
      place: placeOf(file, spec.get('securityContext'), spec),
    });
  }
  const writable = pod.containers.filter(({ node, isInit }) => !isInit && !isTrue(node, 'securityContext', 'readOnlyRootFilesystem'));
  if (writable.length > 0) {
    yield finding('config.production.pods.writable-root', `what breaks into ${title} can change its programs`, {
      evidence: writable.map((each) => `container ${each.name}: readOnlyRootFilesystem is not true`),
      mends: [mend('let nothing be written, and mount an emptyDir at /tmp', 'readOnlyRootFilesystem: true')],
      place: placeOf(file, writable[0]?.node.get('securityContext'), writable[0]?.node),
    });
  }
}

// The profile: https://kubernetes.io/docs/concepts/security/pod-security-standards/
function* podViolations(spec: YamlNode): Generator<string> {
  for (const key of ['hostNetwork', 'hostPID', 'hostIPC']) if (isTrue(spec, key)) yield `${key}: true`;
  for (const volume of itemsAt(spec, 'volumes')) {
    const kind = volume
      .entries()
      .map(([key]) => key)
      .find((key) => key !== 'name');
    if (kind !== undefined && !VOLUMES.has(kind)) yield `volume ${textAt(volume, 'name') ?? ''} is of the kind ${kind}`;
  }
}

function* containerViolations({ node, name }: Container, spec: YamlNode): Generator<string> {
  const of = (...path: readonly string[]): YamlNode | undefined =>
    node.get('securityContext', ...path) ?? spec.get('securityContext', ...path);
  const own = (...path: readonly string[]): YamlNode | undefined => node.get('securityContext', ...path);
  const at = `container ${name}`;
  if (isTrue(node, 'securityContext', 'privileged')) yield `${at}: privileged: true`;
  if (own('allowPrivilegeEscalation')?.value() !== false) yield `${at}: allowPrivilegeEscalation is not false`;
  if (!textsAt(node, 'securityContext', 'capabilities', 'drop').includes('ALL')) yield `${at}: capabilities.drop has no ALL`;
  const added = textsAt(node, 'securityContext', 'capabilities', 'add').filter((each) => each !== 'NET_BIND_SERVICE');
  if (added.length > 0) yield `${at}: capabilities.add: ${added.join(', ')}`;
  if (of('runAsNonRoot')?.value() !== true) yield `${at}: runAsNonRoot is not true`;
  if (of('runAsUser')?.text() === '0') yield `${at}: runAsUser: 0`;
  if (!/^(RuntimeDefault|Localhost)$/.test(of('seccompProfile', 'type')?.text() ?? ''))
    yield `${at}: seccompProfile.type is not RuntimeDefault`;
}

function* shapeFindings(pod: Pod): Generator<Finding> {
  const { file, spec, title, roles } = pod;
  for (const { node, name } of pod.containers) {
    if (node.get('image') === undefined) {
      yield finding('config.production.pods.no-image', `container ${name} of ${title} has no image`, {
        evidence: ['the API server refuses it'],
        mends: [mend('name the image with its registry and version', 'image: <registry>/<name>:<version>')],
        place: placeOf(file, node),
      });
    }
    const shadow = itemsAt(node, 'volumeMounts').find((each) => /^(\/var)?\/run\/?$/.test(textAt(each, 'mountPath') ?? ''));
    const volume = itemsAt(spec, 'volumes').find((each) => textAt(each, 'name') === textAt(shadow, 'name'));
    if (shadow !== undefined && volume?.get('emptyDir') !== undefined) {
      yield finding(
        'config.production.pods.run-shadowed',
        `container ${name} of ${title} has an empty ${textAt(shadow, 'mountPath') ?? ''}`,
        {
          evidence: [
            'it hides what is mounted or made below it: the service account token, the socket of the Workload API; a service of ours writes nothing there',
          ],
          mends: [mend('take it out: /tmp is enough')],
          place: placeOf(file, shadow),
        },
      );
    }
  }
  if (
    roles.has('service') &&
    !roles.has('spire-server') &&
    !roles.has('spire-agent') &&
    spec.get('automountServiceAccountToken')?.value() !== false
  ) {
    yield finding('config.production.pods.token-mounted', `${title} carries a token for the API server that it does not need`, {
      evidence: ['automountServiceAccountToken is not false'],
      mends: [mend('leave it out of the pod', 'automountServiceAccountToken: false')],
      place: placeOf(file, spec.get('serviceAccountName'), spec),
    });
  }
  if (!pod.roles.has('spire-server') || spec.get('securityContext', 'fsGroup') !== undefined) return;
  const claims = itemsAt(pod.object.node, 'spec', 'volumeClaimTemplates');
  const claim = claims[0] ?? itemsAt(spec, 'volumes').find((each) => each.get('persistentVolumeClaim') !== undefined);
  if (claim === undefined) return;
  yield finding('config.production.pods.volume-unwritable', `${title} may not write to its volume`, {
    evidence: ['the image runs as user 1000, a new volume belongs to root, and there is no fsGroup'],
    mends: [mend('give the volume to its group', 'securityContext: { fsGroup: 1000, fsGroupChangePolicy: OnRootMismatch }')],
    place: placeOf(file, claim),
  });
}

/** What pods ask for. */
export const podsRule: Rule<StaticEvidence> = createRule({
  id: 'config.production.pods',
  title: 'pods ask for no more than they need',
  thing: 'pod or namespace',
  things: 'pods or namespaces',
  look: (documents) =>
    joined(
      lookAt(podsOf(documents), function* (pod) {
        yield* podFindings(pod, documents);
        yield* shapeFindings(pod);
      }),
      lookAt(
        objectsOf(documents, 'Namespace').filter(
          ({ name }) => podsOf(documents).some((pod) => pod.namespace === name) && !isPatched(documents, name),
        ),
        function* ({ file, node, name, labels }) {
          if (labels.has(ENFORCE)) return;
          yield finding('config.production.pods.not-enforced', `namespace ${name} admits pods that ask for everything`, {
            evidence: [`it has no label ${ENFORCE}`],
            mends: [mend('let Kubernetes refuse them', 'labels:', `  ${ENFORCE}: restricted`)],
            place: placeOf(file, node.get('metadata', 'labels'), node.get('metadata')),
          });
        },
      ),
    ),
});

// A patch may give it the label.
function isPatched(documents: readonly Document[], name: string): boolean {
  return documentsOf(documents, 'patch').some(
    ({ node }) =>
      textAt(node, 'kind') === 'Namespace' &&
      textAt(node, 'metadata', 'name') === name &&
      node.get('metadata', 'labels', ENFORCE) !== undefined,
  );
}
