// Whether every file could be looked at.

import { count } from '../../output/text.ts';
import { finding, mend, type Rule } from '../check.ts';
import { documentsOf, type StaticEvidence } from '../documents/document.ts';
import { conclude } from './conclude.ts';

const mends = {
  broken: mend('mend the file: nothing in it was looked at'),
  limit: mend('name the files that matter, one by one'),
  template: mend('render the chart, and look at what comes out', 'helm template <release> <chart> | ephemos doctor -'),
} as const;

/** The rule. */
export const readableRule: Rule<StaticEvidence> = {
  id: 'config.production.readable',
  title: 'every file can be read',
  judge({ documents, sources }) {
    const unreadable = documentsOf(documents, 'unreadable').map(({ file, line, problem, reason }) =>
      finding(`config.production.readable.${reason}`, problem, { evidence: [], mends: [mends[reason]], place: { file, line } }),
    );
    const confs = documentsOf(documents, 'spire-conf').flatMap(({ file, root, problems: [problem] }) =>
      root !== undefined || problem === undefined
        ? []
        : [
            finding('config.production.readable.broken', `this is not HCL: ${problem.message}`, {
              evidence: problem.hint === undefined ? [] : [problem.hint],
              mends: [mends.broken],
              place: { file, line: problem.line },
            }),
          ],
    );
    const passed = `${count(sources.length, 'file')}, ${count(documents.length, 'document')}`;
    return conclude([...unreadable, ...confs], { count: sources.length, passed, skipped: 'there is no file that belongs to a deployment' });
  },
};
