// Whether the authorities of a server come from one above them, keep their keys, and outlive what they sign.
import { parseGoDuration } from '@ephemos/service/config';
import { longestLife } from '../../../deploy/spire/contradictions.ts';
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import type { Document, StaticEvidence } from '../../documents/document.ts';
import { podsOf } from '../manifests/pods.ts';
import { createRule } from '../manifests/rule.ts';
import { type Conf, lookAtConfs, placeIn, pluginsOf, setting, settingText } from './confs.ts';

const thing = 'spire-server configuration';

/** The rule. */
export const upstreamRule: Rule<StaticEvidence> = createRule({
  id: 'ca.hierarchy.upstream',
  title: 'the authorities of the servers are signed by one above them',
  thing,
  look: (documents) =>
    lookAtConfs(documents, 'server', (conf) => {
      if (pluginsOf(conf, 'UpstreamAuthority').length > 0) return [];
      const replicas = replicasOf(documents);
      const evidence = [
        'there is no UpstreamAuthority: each server signs its own authority, and every new one has to reach all verifiers before it is used',
        ...(replicas > 1 ? [`the manifests run ${replicas} servers, which is as many authorities`] : []),
      ];
      return [
        finding('ca.hierarchy.upstream.missing', 'the authorities sign themselves', {
          evidence,
          mends: [
            mend(
              'sign them with an authority whose root is offline',
              'UpstreamAuthority "disk" { plugin_data { cert_file_path = "..." key_file_path = "..." bundle_file_path = "..." } }',
            ),
          ],
          place: placeIn(conf),
        }),
      ];
    }),
});

/** The rule. */
export const authorityKeysRule: Rule<StaticEvidence> = createRule({
  id: 'ca.hierarchy.keys',
  title: 'the keys of the authorities outlive a restart',
  thing,
  look: (documents) =>
    lookAtConfs(documents, 'server', (conf) =>
      pluginsOf(conf, 'KeyManager')
        .filter(({ name }) => name === 'memory')
        .map(({ key }) =>
          finding('ca.hierarchy.keys.memory', 'the keys of the authorities are in memory alone', {
            evidence: [
              'every restart makes a new authority, and signs with it before anybody knows it',
              ...(replicasOf(documents) > 1 ? [`the manifests run ${replicasOf(documents)} servers, each of which does so`] : []),
            ],
            mends: [
              mend(
                'keep them, on a volume or in a key service',
                'KeyManager "disk" { plugin_data { keys_path = "<data_dir>/keys.json" } }',
              ),
            ],
            place: placeIn(conf, key),
          }),
        ),
    ),
});

/** How many servers the manifests run. */
export function replicasOf(documents: readonly Document[]): number {
  return podsOf(documents)
    .filter(({ roles }) => roles.has('spire-server'))
    .reduce((sum, { replicas }) => sum + (replicas ?? 1), 0);
}

/** The rule. */
export const authoritySubjectRule: Rule<StaticEvidence> = createRule({
  id: 'ca.hierarchy.subject',
  title: 'the authorities say whose they are',
  thing,
  look: (documents) =>
    lookAtConfs(documents, 'server', (conf) => {
      const subject = setting(conf, 'ca_subject');
      const name = settingText(conf, 'ca_subject', 'common_name') ?? settingText(conf, 'ca_subject', 'organization');
      const organization = setting(conf, 'ca_subject', 'organization');
      if ((name !== undefined && name.text !== '') || (organization !== undefined && !isSpiffe(conf))) return [];
      return [
        finding('ca.hierarchy.subject.default', 'the subject of the authorities is the one that every SPIRE has', {
          evidence: ['who looks at a certificate cannot tell which SPIRE it is of'],
          mends: [
            mend(
              'name your organization',
              'ca_subject { country = ["<country>"] organization = ["<organization>"] common_name = "<name>" }',
            ),
          ],
          place: placeIn(conf, subject?.key),
        }),
      ];
    }),
});

function isSpiffe(conf: Conf): boolean {
  const found = setting(conf, 'ca_subject', 'organization');
  return found?.value.kind === 'list' && found.value.values.every((each) => each.kind === 'string' && each.text === 'SPIFFE');
}

// pkg/server/credtemplate/builder.go: what holds when it is not set. Agents get SVIDs as long as those of workloads.
const lives = [
  { key: 'default_x509_svid_ttl', otherwise: '1h' },
  { key: 'default_jwt_svid_ttl', otherwise: '5m' },
  { key: 'agent_ttl', otherwise: undefined },
] as const;
const AUTHORITY_LIFE = '24h';

/** The rule. */
export const livesRule: Rule<StaticEvidence> = createRule({
  id: 'ca.hierarchy.lives',
  title: 'authorities outlive what they sign',
  thing,
  look: (documents) => lookAtConfs(documents, 'server', judgeLives),
});

function* judgeLives(conf: Conf): Generator<Finding> {
  const authority = settingText(conf, 'ca_ttl')?.text ?? AUTHORITY_LIFE;
  const most = durationOf(authority);
  if (most === undefined) {
    yield malformed(conf, 'ca_ttl', authority);
    return;
  }
  for (const { key, otherwise } of lives) {
    const given = settingText(conf, key);
    const text = given?.text ?? otherwise;
    if (text === undefined) continue;
    const life = durationOf(text);
    if (life === undefined) yield malformed(conf, key, text);
    else if (life > longestLife(most)) {
      yield finding('ca.hierarchy.lives.shortened', `${key} is longer than SPIRE would sign for`, {
        evidence: [`${key} is ${text}, and ca_ttl ${authority}: at most a sixth of that, and never more than 168h`],
        mends: [mend(`shorten ${key}, or lengthen ca_ttl`)],
        place: placeIn(conf, given?.key ?? setting(conf, 'ca_ttl')?.key),
      });
    }
  }
}

function malformed(conf: Conf, key: string, text: string): Finding {
  return finding('ca.hierarchy.lives.malformed', `${key} is no duration`, {
    evidence: [`${JSON.stringify(text)}: spire-server does not start`],
    mends: [mend('write it as Go does', `${key} = "168h"`)],
    place: placeIn(conf, setting(conf, key)?.key),
  });
}

function durationOf(text: string): number | undefined {
  try {
    return parseGoDuration(text);
  } catch {
    return undefined;
  }
}
