// Whether secrets stand in manifests, or in the environment of compose.
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import { type Document, documentsOf, type StaticEvidence } from '../../documents/document.ts';
import type { YamlNode } from '../../documents/yaml-node.ts';
import { objectsOf, placeOf, titleOf } from './objects.ts';
import { containersOf, variablesOf } from './pods.ts';
import { createRule, joined, type Looked, lookAt } from './rule.ts';
import { textAt } from './values.ts';

/** Names of variables that hold secrets; not those that say where one is. */
const SECRET_NAME = /(^|_)(PASSWORD|PASSWD|PWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIALS?)$/i;
/** Keys of Secrets whose values are public. */
const PUBLIC_KEY = /^(ca|tls)\.crt$|^username$|\.pub$/;

function secretsIn(documents: readonly Document[]): Looked {
  return lookAt(objectsOf(documents, 'Secret'), function* (secret): Generator<Finding> {
    if (textAt(secret.node, 'type') === 'kubernetes.io/service-account-token') return;
    const held = ['data', 'stringData'].flatMap((key) => secret.node.get(key)?.entries() ?? []);
    const [first] = held.filter(([key, value]) => !PUBLIC_KEY.test(key) && isLiteral(value.text()));
    if (first === undefined) return;
    const [key, at] = first;
    yield finding('secrets.none.manifests.secret-data', `${titleOf(secret)} has its value in the file`, {
      evidence: [`the key ${key}; base64 hides nothing`],
      mends: [
        mend(
          'keep it out of the repository: make it on the cluster, or from a store by an operator',
          `kubectl create secret generic ${secret.name} --from-file=${key}=<file>`,
        ),
      ],
      place: placeOf(secret.file, at),
    });
  });
}

// What is empty, or stands for something that is filled in later, is none.
function isLiteral(text: string | undefined): boolean {
  return text !== undefined && text.trim() !== '' && !/^(\$\{[^}]*\}|\$\([^)]*\)|<[^>]*>)$/.test(text.trim());
}

function* literal(
  name: string,
  value: string | undefined,
  at: { readonly file: string; readonly node: YamlNode; readonly title: string },
): Generator<Finding> {
  if (!SECRET_NAME.test(name) || !isLiteral(value) || /\$\{[^}]*\}/.test(value ?? '')) return;
  yield finding('secrets.none.manifests.env-literal', `${at.title} has the value of ${name} in the file`, {
    evidence: [`${name} is set to a text of ${(value ?? '').length} characters`],
    mends: [
      mend('take it from a Secret', `- { name: ${name}, valueFrom: { secretKeyRef: { name: <secret>, key: <key> } } }`),
      mend('in compose: give it as a file', 'secrets: [<name>]'),
    ],
    place: placeOf(at.file, at.node),
  });
}

function composeVariables(documents: readonly Document[]): Looked {
  const services = documentsOf(documents, 'compose').flatMap(({ file, node }) =>
    (node.get('services')?.entries() ?? []).map(([name, service]) => ({ file, title: `the container ${name}`, service })),
  );
  return lookAt(services, function* ({ file, title, service }) {
    for (const [name, value] of service.get('environment')?.entries() ?? [])
      yield* literal(name, value.text(), { file, node: value, title });
    for (const item of service.get('environment')?.items() ?? []) {
      const text = item.text() ?? '';
      const sign = text.indexOf('=');
      if (sign !== -1) yield* literal(text.slice(0, sign), text.slice(sign + 1), { file, node: item, title });
    }
  });
}

/** Secrets in the open. */
export const secretsRule: Rule<StaticEvidence> = createRule({
  id: 'secrets.none.manifests',
  title: 'no secret stands in a manifest',
  thing: 'Secret, container or service',
  things: 'Secrets, containers or services',
  look: (documents) =>
    joined(
      secretsIn(documents),
      lookAt(containersOf(documents), function* (container) {
        for (const { node, name, value } of variablesOf(container)) yield* literal(name, value, { ...container, node });
      }),
      composeVariables(documents),
    ),
});
