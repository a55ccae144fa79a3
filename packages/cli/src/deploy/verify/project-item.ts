// The rules over a deployment as it was written: its files are there, and its keys do.
import { join } from 'node:path';
import { type Finding, finding, found, type Item, type Mend, mend, pass, type Rule, skip } from '../../doctor/check.ts';
import { shellCommand } from '../../doctor/shell.ts';
import { count } from '../../output/text.ts';
import { outside } from '../compose/places.ts';
import type { KeyReport } from '../keys/host-key-files.ts';
import { type ProjectEvidence, recordPath } from './gather-project.ts';

const filesRule: Rule<ProjectEvidence> = {
  id: 'deploy.project.files',
  title: 'every file that was written is there',
  judge(evidence) {
    const { files, record, directory } = evidence;
    const [first, ...more] = files
      .filter(({ state }) => state === 'missing')
      .map(({ name }) =>
        finding('deploy.project.files.missing', `${name} is not there`, {
          evidence: [`${recordPath(evidence)} says that it was written`],
          mends: [mend('write it again', shellCommand(['ephemos', 'deploy', 'init', '--target', record.target, '--out', directory]))],
          place: { file: recordPath(evidence) },
        }),
      );
    if (first !== undefined) return found(first, ...more);
    const yours = files.filter(({ state }) => state === 'yours').map(({ name }) => name);
    const changed = yours.length === 0 ? '' : `; changed by hand: ${yours.join(', ')}`;
    return pass(`${count(files.length - yours.length, 'file')} as written${changed}`);
  },
};

const keysRule: Rule<ProjectEvidence> = {
  id: 'deploy.project.keys',
  title: 'its keys are there, for their owner alone, and good for long enough',
  judge({ keys, directory }) {
    if ('absent' in keys) return skip(keys.absent);
    if ('problem' in keys) {
      const { problem, hint } = keys;
      return found(finding('deploy.project.keys.wrong', problem, { evidence: [], mends: hint === undefined ? [] : [mend(hint)] }));
    }
    const [first, ...more] = keys.reports
      .filter(({ late }) => late)
      .map(
        ({ what, path, until }): Finding =>
          finding('deploy.project.keys.expires-soon', `the certificate of the ${what} is good until ${day(until)}`, {
            evidence: [path],
            mends: [renewal(what, directory)],
            place: { file: path },
          }),
      );
    if (first !== undefined) return found(first, ...more);
    return pass(keys.reports.map(({ what, until }) => `${what} until ${day(until)}`).join(', '));
  },
};

/** What "ephemos deploy verify" puts before the checklist of production. */
export const projectChecklist: readonly Item<ProjectEvidence>[] = [
  { id: 'deploy.project', title: 'the deployment is as it was written', rules: [filesRule, keysRule] },
];

function renewal(what: KeyReport['what'], directory: string): Mend {
  if (what !== 'machine') return mend('sign another one with the key of the offline root: deploy/compose/README.md, "Renewing"');
  const [nodes, node] = [outside.nodes, outside.node].map((name) => join(directory, name));
  return mend(
    'make another one, and start SPIRE again',
    shellCommand(['rm', '-r', nodes ?? '', node ?? '']),
    shellCommand(['ephemos', 'deploy', 'init', '--target', 'compose', '--out', directory]),
    'docker compose up -d --force-recreate spire-server spire-agent',
  );
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
