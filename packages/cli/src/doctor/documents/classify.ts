// A name and what is in the file in; what kind of document that is out.
import { basename } from 'node:path';
import type { PlainDocument } from './document.ts';
import type { YamlNode } from './yaml-node.ts';

const SECTIONS = /^(server|agent|plugins|health_checks|telemetry)$/;

/** Whether a text is a configuration of SPIRE: it starts with one of its sections. */
export function isSpireConf(text: string): boolean {
  if (isNginx(text)) return false;
  const plain = text.replace(/^(\s+|#.*|\/\/.*|\/\*[\s\S]*?\*\/)*/, '');
  const [, bare] = /^"?(\w+)"?\s*(?:=\s*)?\{/.exec(plain) ?? [];
  if (bare !== undefined) return SECTIONS.test(bare);
  const [, first] = /^\{\s*"(\w+)"\s*:\s*[[{]/.exec(plain) ?? [];
  return first !== undefined && SECTIONS.test(first);
}

/** Whether a text is a configuration of nginx, which has sections of the same name: its settings end in a semicolon. */
export function isNginx(text: string): boolean {
  return /^\s*(listen|server_name|proxy_pass)\s[^;{}=]*;/m.test(text);
}

/** Whether a file is a Dockerfile, by its name, or by its first instructions. */
export function isDockerfile(file: string, text: string): boolean {
  const name = basename(file);
  if (/\.(dockerignore|ya?ml|json|md|conf)$/i.test(name)) return false;
  if (/(^|\.)(Docker|Container)file(\.|$)/i.test(name)) return true;
  const [first = ''] = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return /^FROM\s+\S+(\s+AS\s+\S+)?\s*$/i.test(first);
}

/** The kind of a YAML document; `manifest` and `service-config` are made by whoever asks. */
export function kindOfYaml(file: string, node: YamlNode): PlainDocument['kind'] | 'manifest' | 'service-config' {
  const name = basename(file);
  const keys = new Set(node.entries().map(([key]) => key));
  const apiVersion = node.get('apiVersion')?.text();
  if (/^kustomization(\.ya?ml)?$/.test(name.toLowerCase()) || apiVersion?.startsWith('kustomize.config.k8s.io/') === true) {
    return 'kustomization';
  }
  if (apiVersion !== undefined && node.get('kind')?.text() !== undefined) return 'manifest';
  if (isDashboard(node)) return 'dashboard';
  if (
    node
      .get('groups')
      ?.items()
      .some((group) => group.get('rules') !== undefined) === true
  )
    return 'rules';
  if (isMapping(node.get('services')) && !isMapping(node.get('service'))) return 'compose';
  if (isMapping(node.get('service')) && !keys.has('services') && !keys.has('extensions')) return 'service-config';
  if (/values.*\.ya?ml$/i.test(name) || (keys.has('global') && [...keys].some((key) => key.startsWith('spire')))) return 'values';
  return keys.size > 0 && [...keys].every((key) => POD_KEYS.has(key)) ? 'fragment' : 'other';
}

/** What may stand in the specification of a pod, or of one of its containers, and in little else. */
const POD_KEYS: ReadonlySet<string> = new Set([
  ...['affinity', 'containers', 'env', 'envFrom', 'initContainers', 'livenessProbe', 'nodeSelector', 'readinessProbe', 'resources'],
  ...['securityContext', 'serviceAccountName', 'startupProbe', 'terminationGracePeriodSeconds', 'tolerations'],
  ...['topologySpreadConstraints', 'volumeMounts', 'volumes'],
]);

function isDashboard(node: YamlNode): boolean {
  const panels = node.get('panels') ?? node.get('dashboard', 'panels');
  return panels !== undefined && Array.isArray(panels.value());
}

function isMapping(node: YamlNode | undefined): boolean {
  return node !== undefined && node.entries().length > 0;
}
