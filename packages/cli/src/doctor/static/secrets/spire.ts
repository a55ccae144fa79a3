// Whether a secret stands in a configuration of SPIRE: a password of the database, or one of the keys of its plugins.
import type { HclObject, HclValue } from '../../../deploy/hcl/hcl-value.ts';
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import type { StaticEvidence } from '../../documents/document.ts';
import { createRule } from '../manifests/rule.ts';
import { type Conf, lookAtConfs, placeIn, pluginsOf } from '../spire/confs.ts';
import { parseConnectionString } from '../spire/connection-string.ts';

/** The rule. */
export const spireSecretsRule: Rule<StaticEvidence> = createRule({
  id: 'secrets.none.spire',
  title: 'no secret stands in a SPIRE configuration',
  thing: 'SPIRE configuration',
  look: (documents) => lookAtConfs(documents, undefined, (conf) => [...passwords(conf), ...keys(conf, conf.root)]),
});

function* passwords(conf: Conf): Generator<Finding> {
  for (const store of pluginsOf(conf, 'DataStore')) {
    for (const name of ['connection_string', 'ro_connection_string']) {
      const found = store.data(name);
      if (found?.value.kind !== 'string' || parseConnectionString(found.value.text).password === undefined) continue;
      yield finding('secrets.none.spire.database-password', 'the password of the database stands here', {
        evidence: [`${name}: it is not shown here`],
        mends: [
          mend(
            'let spire-server take it from a variable, with -expandEnv, and change it',
            `${name} = "... password=\${SPIRE_DATABASE_PASSWORD} ..."`,
          ),
        ],
        place: placeIn(conf, found.key),
      });
    }
  }
}

// What SPIRE's plugins read that nobody else may know (known-keys.ts).
const SECRET_KEYS: ReadonlySet<string> = new Set(
  'secret_access_key secret_token app_secret approle_secret_id token password devid_password owner_hierarchy_password endorsement_hierarchy_password'.split(
    ' ',
  ),
);

function* keys(conf: Conf, object: HclObject): Generator<Finding> {
  for (const { keys: names, value } of object.items) {
    const key = names[names.length - 1] ?? names[0];
    if (value.kind === 'string' && SECRET_KEYS.has(key.name.toLowerCase()) && value.text !== '' && !value.text.includes('$')) {
      yield finding('secrets.none.spire.plugin-secret', `${key.name} stands here`, {
        evidence: ['it is not shown here'],
        mends: [
          mend(
            'let SPIRE take it from a variable, with -expandEnv, or use the identity that the machine has',
            `${key.name} = "\${<VARIABLE>}"`,
          ),
        ],
        place: placeIn(conf, key),
      });
    }
    for (const each of objectsIn(value)) yield* keys(conf, each);
  }
}

function objectsIn(value: HclValue): readonly HclObject[] {
  if (value.kind === 'list') return value.values.flatMap(objectsIn);
  return value.kind === 'object' ? [value] : [];
}
