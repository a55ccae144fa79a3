// Documents in, the pods that they describe out: with their containers, volumes, and what they are of SPIRE or of us.
import { type Document, documentsOf } from '../../documents/document.ts';
import type { YamlNode } from '../../documents/yaml-node.ts';
import { type KubernetesObject, objectsOf, titleOf, WORKLOAD_KINDS } from './objects.ts';
import { itemsAt, type Labels, labelsAt, numberAt, textAt } from './values.ts';

/** What runs in a pod: SPIRE's own programs, one of our services, or something else. */
export type Role = 'spire-server' | 'spire-agent' | 'service' | 'other';

/** A container. */
export interface Container {
  readonly file: string;
  readonly node: YamlNode;
  readonly name: string;
  readonly isInit: boolean;
  readonly role: Role;
  /** Only a part of one: what is not in it stands elsewhere. */
  readonly isPart: boolean;
  readonly title: string;
}

/** A pod, or the template of some. */
export interface Pod {
  readonly file: string;
  readonly object: KubernetesObject;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly title: string;
  readonly labels: Labels;
  readonly template: YamlNode;
  readonly spec: YamlNode;
  readonly containers: readonly Container[];
  /** Of its containers. */
  readonly roles: ReadonlySet<Role>;
  readonly replicas: number | undefined;
}

// Every rule asks for them again.
const known = new WeakMap<readonly Document[], readonly Pod[]>();

/** The pods. */
export function podsOf(documents: readonly Document[]): readonly Pod[] {
  const all = known.get(documents) ?? readPods(documents);
  known.set(documents, all);
  return all;
}

function readPods(documents: readonly Document[]): readonly Pod[] {
  return objectsOf(documents, ...WORKLOAD_KINDS).flatMap((object) => {
    const template = templateOf(object);
    const spec = template?.get('spec');
    if (template === undefined || spec === undefined) return [];
    const containers = containersIn(object, spec);
    return [
      {
        file: object.file,
        object,
        kind: object.kind,
        name: object.name,
        namespace: object.namespace,
        title: titleOf(object),
        labels: labelsAt(template, 'metadata', 'labels') ?? new Map(),
        template,
        spec,
        containers,
        roles: new Set(containers.map(({ role }) => role)),
        replicas: numberAt(object.node, 'spec', 'replicas'),
      },
    ];
  });
}

function templateOf({ kind, node }: KubernetesObject): YamlNode | undefined {
  if (kind === 'Pod') return node;
  return kind === 'CronJob' ? node.get('spec', 'jobTemplate', 'spec', 'template') : node.get('spec', 'template');
}

function containersIn(object: KubernetesObject, spec: YamlNode): readonly Container[] {
  const of = (key: string, isInit: boolean): readonly Container[] =>
    itemsAt(spec, key).map((node) => {
      const name = textAt(node, 'name') ?? '';
      return {
        file: object.file,
        node,
        name,
        isInit,
        role: roleOf(node, spec),
        isPart: false,
        title: `${titleOf(object)}, container ${name}`,
      };
    });
  return [...of('containers', false), ...of('initContainers', true)];
}

/** All containers, and what is a part of one. A part is taken for one of ours. */
export function containersOf(documents: readonly Document[]): readonly Container[] {
  const parts = documentsOf(documents, 'fragment').map(({ file, node }): Container => {
    return { file, node, name: '', isInit: false, role: 'service', isPart: true, title: 'this part of a container' };
  });
  return [...podsOf(documents).flatMap(({ containers }) => containers), ...parts];
}

// A service of ours is known by what it is told: where its configuration is, or where the Workload API.
function roleOf(container: YamlNode, spec: YamlNode): Role {
  const image = textAt(container, 'image') ?? '';
  const [, program] = /(?:^|\/)spire-(server|agent)(?:[:@]|$)/.exec(image) ?? [];
  if (program === 'server') return 'spire-server';
  if (program === 'agent') return 'spire-agent';
  const isTold = itemsAt(container, 'env').some((each) => /^(EPHEMOS_|SPIFFE_ENDPOINT_SOCKET$)/.test(textAt(each, 'name') ?? ''));
  const mounted = new Set(itemsAt(container, 'volumeMounts').map((each) => textAt(each, 'name')));
  const hasSocket = itemsAt(spec, 'volumes').some((each) => isWorkloadApiVolume(each) && mounted.has(textAt(each, 'name')));
  return isTold || hasSocket ? 'service' : 'other';
}

/** The driver that mounts the Workload API. */
export const CSI_DRIVER = 'csi.spiffe.io';

function isWorkloadApiVolume(volume: YamlNode): boolean {
  return textAt(volume, 'csi', 'driver') === CSI_DRIVER;
}

/** A variable of a container. */
export interface Variable {
  readonly node: YamlNode;
  readonly name: string;
  /** Undefined when it comes from elsewhere. */
  readonly value: string | undefined;
}

/** The variables of a container. */
export function variablesOf({ node }: Pick<Container, 'node'>): readonly Variable[] {
  return itemsAt(node, 'env').map((each) => ({ node: each, name: textAt(each, 'name') ?? '', value: textAt(each, 'value') }));
}

/** The value of a variable. */
export function variableOf(container: Pick<Container, 'node'>, name: string): Variable | undefined {
  return variablesOf(container).find((each) => each.name === name);
}

/** Where a container has mounted something, and what. */
export interface Mount {
  readonly node: YamlNode;
  readonly path: string;
  readonly name: string;
  /** `undefined` for a template of a claim, or where the volume is not there. */
  readonly volume: YamlNode | undefined;
}

/** The mounts of a container. */
export function mountsOf({ node }: Pick<Container, 'node'>, { spec }: Pick<Pod, 'spec'>): readonly Mount[] {
  const volumes = new Map(itemsAt(spec, 'volumes').map((each) => [textAt(each, 'name') ?? '', each]));
  return itemsAt(node, 'volumeMounts').map((each) => {
    const name = textAt(each, 'name') ?? '';
    return { node: each, path: textAt(each, 'mountPath') ?? '', name, volume: volumes.get(name) };
  });
}

/** The mount that holds a path: the longest. */
export function mountAt(mounts: readonly Mount[], path: string): Mount | undefined {
  return mounts
    .filter((each) => path === each.path || path.startsWith(each.path.endsWith('/') ? each.path : `${each.path}/`))
    .sort((a, b) => b.path.length - a.path.length)[0];
}

/** The ports of a container that it names or numbers. */
export function portsOf({
  node,
}: Pick<Container, 'node'>): readonly { readonly name: string | undefined; readonly port: number | undefined }[] {
  return itemsAt(node, 'ports').map((each) => ({ name: textAt(each, 'name'), port: numberAt(each, 'containerPort') }));
}
