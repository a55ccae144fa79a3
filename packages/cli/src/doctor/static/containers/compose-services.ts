// Compose documents in, their services out, with what rules ask of them in one form whichever way it is written.
import { type Document, documentsOf } from '../../documents/document.ts';
import type { YamlNode } from '../../documents/yaml-node.ts';
import { isEphemosService } from '../manifests/grace.ts';
import { textAt } from '../manifests/values.ts';

/** What runs in a container. */
export type ComposeRole = 'spire-server' | 'spire-agent' | 'service' | 'other';

/** A service of a compose file. */
export interface ComposeService {
  readonly file: string;
  readonly name: string;
  readonly node: YamlNode;
  readonly role: ComposeRole;
  readonly image: string;
  /** The file that it is of. */
  readonly root: YamlNode;
}

/** The services. */
export function composeServicesOf(documents: readonly Document[]): readonly ComposeService[] {
  return documentsOf(documents, 'compose').flatMap(({ file, node: root }) =>
    (root.get('services')?.entries() ?? []).map(([name, node]) => {
      const image = textAt(node, 'image') ?? '';
      const [, program] = /(?:^|\/)spire-(server|agent)(?:[:@$]|$)/.exec(image) ?? [];
      const role = program === 'server' ? 'spire-server' : program === 'agent' ? 'spire-agent' : isOurs(node, root) ? 'service' : 'other';
      return { file, name, node, role, image, root } as const;
    }),
  );
}

// It is told of Ephemos, or has the volume in which an agent makes its socket.
function isOurs(service: YamlNode, root: YamlNode): boolean {
  if (isEphemosService(service)) return true;
  const agents = (root.get('services')?.entries() ?? []).filter(([, each]) =>
    /(^|\/)spire-agent([:@$]|$)/.test(textAt(each, 'image') ?? ''),
  );
  const shared = new Set(
    agents.flatMap(([, agent]) => volumesOf(agent).flatMap(({ source }) => (source !== undefined && isNamed(source) ? [source] : []))),
  );
  return volumesOf(service).some(({ source }) => source !== undefined && shared.has(source));
}

/** A volume of a service. */
export interface ComposeVolume {
  readonly node: YamlNode;
  readonly source: string | undefined;
  readonly target: string;
}

/** The volumes. */
export function volumesOf(service: YamlNode): readonly ComposeVolume[] {
  return (service.get('volumes')?.items() ?? []).flatMap((node): readonly ComposeVolume[] => {
    const target = textAt(node, 'target');
    if (target !== undefined) return [{ node, source: textAt(node, 'source'), target }];
    const [source = '', path] = (node.text() ?? '').split(':');
    return [path === undefined ? { node, source: undefined, target: source } : { node, source, target: path }];
  });
}

/** Whether a source is a volume of the engine, not a path. */
export function isNamed(source: string): boolean {
  return !/^[./~$]/.test(source);
}

/** A command as words; one that is a text is split at spaces, as compose does. */
export function wordsOf(node: YamlNode | undefined): readonly string[] {
  const items = node?.items() ?? [];
  return items.length > 0 ? items.map((each) => each.text() ?? '') : (node?.text() ?? '').split(/\s+/).filter((word) => word !== '');
}

/** The value of a variable of a service. */
export function variableIn(service: YamlNode, name: string): string | undefined {
  const environment = service.get('environment');
  const listed = environment?.items().find((each) => each.text()?.startsWith(`${name}=`) === true);
  return textAt(environment, name) ?? listed?.text()?.slice(name.length + 1);
}
