// Answers in; the component that prefers some nodes for the server out.
import type { ClusterAnswers } from '../answers.ts';
import { componentFile, manifestFile } from '../manifest.ts';
import { serverPatch } from './patches.ts';

/** The files, by name. */
export function nodeAffinityFiles(answers: ClusterAnswers): ReadonlyMap<string, string> {
  const preference = { matchExpressions: [{ key: 'node-type', operator: 'In', values: ['compute-optimized'] }] };
  return new Map([
    [
      'kustomization.yaml',
      componentFile(
        'Prefers nodes with the label node-type=compute-optimized for the server, which spends its CPU on handshakes. Any other node does when there is none.',
        {
          patches: [{ path: 'server.yaml' }],
        },
      ),
    ],
    [
      'server.yaml',
      manifestFile('Where the server would rather run.', [
        serverPatch(answers, {
          spec: {
            affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, preference }] } },
          },
        }),
      ]),
    ],
  ]);
}
