// Paths in; every document of the files there out, each as what it is.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, checkRules, loadConfig } from '@ephemos/service/config';
import { checkConf } from '../../deploy/spire/check-conf.ts';
import { isDockerfile, isNginx, isSpireConf, kindOfYaml } from './classify.ts';
import type { Document, ServiceConfigDocument, Source, StaticEvidence } from './document.ts';
import { INPUT, readFiles } from './files.ts';
import { type Kustomization, namespaces, patchFiles } from './kustomize.ts';
import { readYaml } from './read-yaml.ts';
import type { YamlNode } from './yaml-node.ts';

/**
 * Reads the documents of a deployment. What cannot be parsed is a document too.
 * @param paths files, directories, and `-` for standard input
 * @param input reads standard input
 * @throws {EphemosError} ERR_CONFIG_INVALID when a path that was given is not there
 */
export function readDocuments(paths: readonly string[], input: () => string): StaticEvidence {
  const { sources, unreadable } = readFiles(paths, input);
  const parts = sources.flatMap(partsOf);
  const kustomizations = parts.flatMap((part): readonly Kustomization[] =>
    'node' in part && part.kind === 'kustomization' ? [{ file: part.source.file, node: part.node }] : [],
  );
  const context: Context = { patches: patchFiles(kustomizations), namespaces: namespaces(kustomizations) };
  return { documents: [...parts.flatMap((part) => documentsIn(part, context)), ...unreadable], sources };
}

interface Context {
  readonly patches: ReadonlySet<string>;
  readonly namespaces: ReadonlyMap<string, string>;
}

type Part = { readonly source: Source } & (
  | { readonly kind: ReturnType<typeof kindOfYaml>; readonly node: YamlNode }
  | { readonly document: Document }
);

function partsOf(source: Source): readonly Part[] {
  const { file, text, deployment } = source;
  if (isSpireConf(text)) return [spireConf(source)];
  if (isDockerfile(file, text)) return [{ source, document: { kind: 'dockerfile', file, deployment, text } }];
  if (!/\.(ya?ml|json)$/i.test(file) && !looksLikeYaml(text)) {
    // A .conf is often none of SPIRE.
    return file.endsWith('.conf') && /^(server|agent|plugins)\s*\{/m.test(text) && !isNginx(text) ? [spireConf(source)] : [];
  }
  const read = readYaml(text);
  if ('problem' in read) {
    const { message, line } = read.problem;
    return [{ source, document: { kind: 'unreadable', file, deployment, problem: message, reason: 'broken', line } }];
  }
  return read.nodes.map((node) => ({ source, kind: kindOfYaml(file, node), node }));
}

function spireConf(source: Source): Part {
  const { file, text, deployment } = source;
  return { source, document: { kind: 'spire-conf', deployment, text, ...checkConf(text, file) } };
}

// Of a file whose name does not say what it is, such as standard input.
function looksLikeYaml(text: string): boolean {
  return /^(apiVersion|kind|services|service|groups|---)\b/m.test(text) || /^\s*\{\s*"/.test(text);
}

function documentsIn(part: Part, context: Context): readonly Document[] {
  if ('document' in part) return [part.document];
  const { source, kind, node } = part;
  const { file, deployment } = source;
  if (context.patches.has(file)) return [{ kind: 'patch', file, deployment, node }];
  if (kind === 'service-config') return [serviceConfig(source, node, source.text, file === INPUT ? source.text : undefined)];
  if (kind !== 'manifest') return [{ kind, file, deployment, node }];
  return objectsIn(node).flatMap((object) => manifests(object, source, context));
}

function objectsIn(node: YamlNode): readonly YamlNode[] {
  const isList = node.get('kind')?.text()?.endsWith('List') === true && node.get('items') !== undefined;
  return isList ? (node.get('items')?.items() ?? []).flatMap(objectsIn) : [node];
}

function manifests(node: YamlNode, source: Source, { namespaces }: Context): readonly Document[] {
  const { file, deployment } = source;
  const at = (...path: readonly string[]): string | undefined => node.get(...path)?.text();
  const object = at('kind') ?? '';
  const namespace = at('metadata', 'namespace') ?? namespaces.get(file);
  const own: Document = {
    kind: 'manifest',
    file,
    deployment,
    node,
    apiVersion: at('apiVersion') ?? '',
    object,
    name: at('metadata', 'name') ?? '',
    namespace,
  };
  return object === 'ConfigMap' ? [own, ...(node.get('data')?.entries() ?? []).flatMap(([, value]) => embedded(value, source))] : [own];
}

// The configurations in a ConfigMap. Blank lines in front of them bring their places to those of the file.
function embedded(value: YamlNode, { file, deployment }: Source): readonly Document[] {
  const text = value.text();
  if (text === undefined) return [];
  const moved = '\n'.repeat(value.textLine() - 1) + text;
  if (isSpireConf(text)) return [{ kind: 'spire-conf', deployment, text: moved, ...checkConf(moved, file) }];
  if (!/^service:/m.test(text)) return [];
  const read = readYaml(moved);
  const [node] = 'nodes' in read ? read.nodes : [];
  if (node === undefined || kindOfYaml(file, node) !== 'service-config') return [];
  return [serviceConfig({ file, deployment }, node, moved, moved)];
}

function serviceConfig(
  { file, deployment }: Pick<Source, 'file' | 'deployment'>,
  node: YamlNode,
  text: string,
  given: string | undefined,
): ServiceConfigDocument {
  const base = { kind: 'service-config', file, deployment, node, text } as const;
  try {
    return { ...base, config: given === undefined ? load(file) : loadText(given), problems: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // The path of a policy is often one of the container.
    // The path of a policy is often one inside a container.
    const here = error.problems.filter((each) => each.line !== undefined || each.file === file);
    return { ...base, config: undefined, problems: given === undefined ? here : here.map((each) => ({ ...each, file })) };
  }
}

function load(path: string): ReturnType<typeof loadConfig> {
  return loadConfig({ path, env: {}, checkPolicy: checkRules });
}

// The reader of @ephemos/service takes files.
function loadText(text: string): ReturnType<typeof loadConfig> {
  const folder = mkdtempSync(join(tmpdir(), 'ephemos-doctor-'));
  try {
    const path = join(folder, 'config.yaml');
    writeFileSync(path, text, { mode: 0o600 });
    return load(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
