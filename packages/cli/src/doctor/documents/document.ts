// What the files of a deployment are: text in, by its content one of these out.
import type { Config, ConfigProblem } from '@ephemos/service/config';
import type { ConfCheck } from '../../deploy/spire/check-conf.ts';
import type { YamlNode } from './yaml-node.ts';

export type { YamlNode } from './yaml-node.ts';

/** Where a document comes from. */
interface Origin {
  readonly file: string;
  /** Documents of one deployment have the same: the directory with an ephemos-deploy.json that the file is below, or ''. */
  readonly deployment: string;
}

interface OfYaml extends Origin {
  readonly node: YamlNode;
}

/** A configuration of SPIRE, from a file or out of a ConfigMap. */
export interface SpireConfDocument extends Origin, ConfCheck {
  readonly kind: 'spire-conf';
  readonly file: string;
  readonly text: string;
}

/** One Kubernetes object, also out of a file of several, or of a List. */
export interface ManifestDocument extends OfYaml {
  readonly kind: 'manifest';
  readonly apiVersion: string;
  /** Its `kind`. */
  readonly object: string;
  readonly name: string;
  /** Its own, or the one that the kustomization of its folder gives it; undefined when nothing says. */
  readonly namespace: string | undefined;
}

/** A configuration of `@ephemos/service`. */
export interface ServiceConfigDocument extends OfYaml {
  readonly kind: 'service-config';
  readonly text: string;
  /** What it says; undefined when that is not valid. */
  readonly config: Config | undefined;
  readonly problems: readonly ConfigProblem[];
}

/** A Dockerfile. */
export interface DockerfileDocument extends Origin {
  readonly kind: 'dockerfile';
  readonly text: string;
}

/** What cannot be parsed, or was not read because of a bound. */
export interface UnreadableDocument extends Origin {
  readonly kind: 'unreadable';
  readonly problem: string;
  /** `limit`: not looked at, because there is too much of it; `template`: no document yet. */
  readonly reason: 'broken' | 'limit' | 'template';
  readonly line: number | undefined;
}

/** A YAML document (or JSON, which is YAML) of which nothing is known but what it is. */
export interface PlainDocument extends OfYaml {
  /**
   * `fragment`: a mapping that is a part of a pod. `kustomization`: of kustomize, or one of its components. `patch`: changes of an object, named by a
   * kustomization. `rules`: a file of Prometheus rules. `dashboard`: of Grafana. `values`: of a Helm chart. `other`: none of ours.
   */
  readonly kind: 'fragment' | 'kustomization' | 'patch' | 'compose' | 'rules' | 'dashboard' | 'values' | 'other';
}

/** One document. */
export type Document =
  | SpireConfDocument
  | ManifestDocument
  | ServiceConfigDocument
  | DockerfileDocument
  | PlainDocument
  | UnreadableDocument;

/** A text as it was read, whatever it is. */
export interface Source extends Origin {
  readonly text: string;
  /** Whether the group or everybody may read the file. */
  readonly shared: boolean;
}

/** What the static rules judge. */
export interface StaticEvidence {
  readonly documents: readonly Document[];
  readonly sources: readonly Source[];
}

/** The documents of one kind. */
export function documentsOf<Kind extends Document['kind']>(
  documents: readonly Document[],
  ...kinds: readonly Kind[]
): readonly (Document & { readonly kind: Kind })[] {
  return documents.filter((each): each is Document & { readonly kind: Kind } => kinds.some((kind) => kind === each.kind));
}

/** The documents deployment by deployment: what is compared with each other. */
export function byDeployment({ documents }: StaticEvidence): readonly (readonly Document[])[] {
  const groups = new Map<string, Document[]>();
  for (const document of documents) {
    const group = groups.get(document.deployment) ?? [];
    group.push(document);
    groups.set(document.deployment, group);
  }
  return [...groups.values()];
}
