// Whether what runs in pods, in compose and in images hears that it should end.

import type { Rule } from '../../check.ts';
import type { StaticEvidence } from '../../documents/document.ts';
import { shellFindings } from '../manifests/grace.ts';
import { containersOf } from '../manifests/pods.ts';
import { createRule, joined, lookAt } from '../manifests/rule.ts';
import { containerSignals } from './compose.ts';

/** SIGTERM. */
export const signalsRule: Rule<StaticEvidence> = createRule({
  id: 'shutdown.graceful.signals',
  title: 'processes hear SIGTERM',
  thing: 'container or image',
  things: 'containers or images',
  look: (documents) =>
    joined(
      lookAt(
        containersOf(documents).filter(({ isPart, isInit }) => !isPart && !isInit),
        (container) => shellFindings(container),
      ),
      containerSignals(documents),
    ),
});
