// Whether the configurations of services are valid, and hold nothing of tests.
import { productionFindings } from '@ephemos/service/config';
import { finding, mend, type Rule } from '../../check.ts';
import { documentsOf, type StaticEvidence } from '../../documents/document.ts';
import { createRule, lookAt } from '../manifests/rule.ts';

const thing = 'service configuration';

/** The rule. */
export const serviceConfigRule: Rule<StaticEvidence> = createRule({
  id: 'config.production.service-config',
  title: 'services would start with their configurations',
  thing,
  look: (documents) =>
    lookAt(documentsOf(documents, 'service-config'), ({ problems }) =>
      problems.map(({ file, line, key, message, hint }) =>
        finding('config.production.service-config.invalid', `${key === '' ? '' : `${key}: `}${message}`, {
          evidence: ['a service refuses its whole configuration when one key is wrong'],
          mends: [mend(hint ?? 'see docs/service.md for what each key takes')],
          place: { file: file ?? '', line },
        }),
      ),
    ),
});

/** Of the findings of a service itself: which of ours, and the key that it is about. The others have rules of their own, or are of a running system. */
const settings: ReadonlyMap<string, readonly string[]> = new Map([
  ['log-level.debug', ['logs', 'level']],
  ['service-name.demo', ['service', 'name']],
  ['socket.directory', ['agent', 'socketPath']],
  ['socket.tcp', ['agent', 'socketPath']],
]);

/** The rule. */
export const serviceSettingsRule: Rule<StaticEvidence> = createRule({
  id: 'config.production.service-settings',
  title: 'services are configured for production',
  thing,
  look: (documents) =>
    lookAt(documentsOf(documents, 'service-config'), ({ config, node, file }) =>
      (config === undefined ? [] : productionFindings(config, {})).flatMap(({ id, message, tip }) => {
        const path = settings.get(id);
        return path === undefined
          ? []
          : [
              finding('config.production.service-settings.not-production', message, {
                evidence: [path.join('.')],
                mends: [mend(tip)],
                place: { file, line: (node.get(...path) ?? node).line },
              }),
            ];
      }),
    ),
});
