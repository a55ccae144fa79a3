// Answers in; every file of deploy/kubernetes out, by name. The same in gives the same out.
import type { ClusterAnswers } from './answers.ts';
import { hostpathSocketFiles } from './components/hostpath-socket.ts';
import { istioFiles } from './components/istio.ts';
import { nodeAffinityFiles } from './components/node-affinity.ts';
import { openTelemetryFiles } from './components/opentelemetry.ts';
import { below } from './files.ts';
import { helmValues } from './helm-values.ts';
import { devFiles, productionFiles } from './overlays.ts';
import { readme } from './readme.ts';
import { baseFiles } from './service/base.ts';
import { spireFiles } from './spire/spire.ts';

/** Renders a cluster. */
export function renderKubernetes(answers: ClusterAnswers): ReadonlyMap<string, string> {
  return new Map([
    ['README.md', readme(answers)],
    ...below('base', baseFiles(answers)),
    ...below('components/hostpath-socket', hostpathSocketFiles(answers)),
    ...below('components/istio', istioFiles(answers)),
    ...below('components/node-affinity', nodeAffinityFiles(answers)),
    ...below('components/opentelemetry', openTelemetryFiles(answers)),
    ...below('overlays/dev', devFiles(answers)),
    ...below('overlays/production', productionFiles(answers)),
    ...below('spire', spireFiles(answers)),
    ['helm/spire-values.yaml', helmValues(answers)],
  ]);
}
