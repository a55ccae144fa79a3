// Documents in; every trust domain that they name out, with its place.
import { TrustDomain } from 'ephemos/spiffe';
import { type Found, findAll } from '../../../deploy/spire/hcl-lookup.ts';
import type { Place } from '../../check.ts';
import { type Document, documentsOf, type YamlNode } from '../../documents/document.ts';
import { textAt } from '../manifests/values.ts';
import { type Conf, confsOf, placeIn, setting, settingText } from '../spire/confs.ts';

/** A trust domain at a place. */
export interface NamedDomain {
  readonly name: string;
  readonly place: Place;
  /** What it stands for there, such as `server.trust_domain`. */
  readonly as: string;
  /** `own`: whoever stands there is in it. `peer`: of somebody who is talked to. */
  readonly of: 'own' | 'peer';
}

/** The trust domains that documents name. What variables stand for is left out. */
export function namedDomains(documents: readonly Document[]): readonly NamedDomain[] {
  return [...ofConfs(documents), ...ofServices(documents), ...ofYaml(documents)];
}

function* ofConfs(documents: readonly Document[]): Generator<NamedDomain> {
  for (const conf of confsOf(documents)) {
    const found = settingText(conf, 'trust_domain');
    if (found === undefined) continue;
    const as = `${conf.program}.trust_domain`;
    yield { name: found.text.replace(/^spiffe:\/\//, ''), place: placeIn(conf, found.key), as, of: 'own' };
    for (const { key } of federatedIn(conf)) yield { name: key.name, place: placeIn(conf, key), as: 'server.federation', of: 'peer' };
  }
}

function* ofServices(documents: readonly Document[]): Generator<NamedDomain> {
  for (const { file, node } of documentsOf(documents, 'service-config')) {
    const domain = node.get('service', 'domain');
    const name = domain?.text();
    if (domain !== undefined && name !== undefined && isDomain(name)) {
      yield { name, place: { file, line: domain.line }, as: 'service.domain', of: 'own' };
    }
    for (const list of ['authorized_clients', 'trusted_servers']) {
      for (const id of node.get('service', list)?.items() ?? []) {
        const of = domainOfId(id.text());
        if (of !== undefined) yield { name: of, place: { file, line: id.line }, as: `service.${list}`, of: 'peer' };
      }
    }
    for (const rule of node.get('policy', 'rules')?.items() ?? []) yield* ofRule(file, rule);
  }
}

function* ofRule(file: string, rule: YamlNode): Generator<NamedDomain> {
  for (const key of ['id', 'id_prefix', 'trust_domain']) {
    const found = rule.get(key);
    for (const each of found === undefined ? [] : found.items().length > 0 ? found.items() : [found]) {
      const text = each.text();
      const name = key === 'trust_domain' ? text : domainOfId(text);
      if (name !== undefined && isDomain(name)) yield { name, place: { file, line: each.line }, as: `policy, ${key}`, of: 'peer' };
    }
  }
}

// In manifests and compose files an ID can be anywhere: templates, annotations, variables.
function* ofYaml(documents: readonly Document[]): Generator<NamedDomain> {
  for (const document of documentsOf(documents, 'manifest', 'compose', 'values', 'fragment', 'patch', 'other')) {
    const { file, node } = document;
    if (document.kind === 'other' && node.get('entries') === undefined) continue;
    const isForeign = document.kind === 'manifest' && document.object === 'ClusterFederatedTrustDomain';
    if (document.kind === 'manifest' && document.object === 'ConfigMap') continue;
    for (const { key, value, line } of texts(node)) {
      const variable = /^EPHEMOS_(?:SERVICE_DOMAIN|TRUST_DOMAIN)$/.test(key);
      const name = domainOfId(value) ?? (/^trust_?domain$/i.test(key) || variable ? value : undefined);
      if (name !== undefined && isDomain(name)) yield { name, place: { file, line }, as: key, of: isForeign ? 'peer' : 'own' };
    }
  }
}

interface Text {
  readonly key: string;
  readonly value: string;
  readonly line: number;
}

function* texts(node: YamlNode, key = ''): Generator<Text> {
  const value = node.text();
  if (value !== undefined) {
    const [, name = key, rest = value] = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(value) ?? [];
    yield { key: name, value: rest, line: node.line };
    return;
  }
  const name = textAt(node, 'name');
  for (const [inner, child] of node.entries()) {
    // A variable of a container: `- name: X` and `value: y`.
    yield* texts(child, inner === 'value' && name !== undefined ? name : inner);
  }
  for (const child of node.items()) yield* texts(child, key);
}

/** The trust domains that are said to be foreign, and known: those that the servers federate with. */
export function federatedDomains(documents: readonly Document[]): ReadonlySet<string> {
  const confs = confsOf(documents, 'server').flatMap((conf) => federatedIn(conf).map(({ key }) => key.name));
  const manifests = documentsOf(documents, 'manifest').flatMap(({ object, node }) => [
    ...(object === 'ClusterFederatedTrustDomain' ? [textAt(node, 'spec', 'trustDomain') ?? ''] : []),
    ...(node.get('spec', 'federatesWith')?.items() ?? []).flatMap((each) => each.text() ?? []),
  ]);
  const entries = documentsOf(documents, 'other').flatMap(({ node }) =>
    (node.get('entries')?.items() ?? []).flatMap((each) =>
      (each.get('federates_with')?.items() ?? []).flatMap((name) => name.text() ?? []),
    ),
  );
  return new Set([...confs, ...manifests, ...entries].map((each) => each.replace(/^spiffe:\/\//, '')));
}

function federatedIn(conf: Conf): readonly Found[] {
  const section = setting(conf, 'federation');
  return section?.value.kind === 'object' ? findAll(section.value, ['federates_with', '*']) : [];
}

function domainOfId(text: string | undefined): string | undefined {
  const [, name] = /^spiffe:\/\/([^/{}$\s]+)(?:\/.*)?$/s.exec(text ?? '') ?? [];
  return name !== undefined && isDomain(name) ? name : undefined;
}

function isDomain(name: string): boolean {
  try {
    return TrustDomain.parse(name).name === name;
  } catch {
    return false;
  }
}
