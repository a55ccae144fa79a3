// `ephemos deploy init --target kubernetes`: a cluster.
import type { Target } from '../project/target.ts';
import { parseAnswers, recordedAnswers } from './answers.ts';
import { nextSteps } from './next-steps.ts';
import { renderKubernetes } from './render-kubernetes.ts';

/** SPIRE, a server and a client in a cluster, as kustomizations. */
export const kubernetesTarget: Target = {
  name: 'kubernetes',
  directory: 'deploy/kubernetes',
  // Identities that were handed out have all three in them.
  fixed: ['service', 'domain', 'cluster'],
  make(given) {
    const answers = parseAnswers(given);
    return { answers: recordedAnswers(answers), files: renderKubernetes(answers), next: nextSteps(answers) };
  },
};
