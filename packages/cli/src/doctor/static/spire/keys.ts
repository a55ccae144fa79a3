// Whether SPIRE reads every key of its configurations.
import { SPIRE_VERSION } from '../../../deploy/spire/known-keys.ts';
import { finding, mend, type Rule } from '../../check.ts';
import type { StaticEvidence } from '../../documents/document.ts';
import { createRule } from '../manifests/rule.ts';
import { isRemovedAttestor } from './attestors.ts';
import { lookAtConfs } from './confs.ts';

/** The rule. */
export const spireKeysRule: Rule<StaticEvidence> = createRule({
  id: 'config.production.spire-keys',
  title: `SPIRE ${SPIRE_VERSION} reads every key`,
  thing: 'SPIRE configuration',
  look: (documents) =>
    lookAtConfs(documents, undefined, ({ file, problems }) =>
      problems
        .filter(({ key }) => !isRemovedAttestor(key))
        .map(({ key, line, message, hint }) =>
          finding('config.production.spire-keys.unread', `${key === '' ? '' : `${key}: `}${message}`, {
            evidence: ['SPIRE refuses some unknown keys when it starts, and ignores the others without a word'],
            mends: [mend(hint ?? 'remove it')],
            place: { file, line },
          }),
        ),
    ),
});
