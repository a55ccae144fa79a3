// Answers in; the names, labels and SPIFFE IDs of the server and its client out.
import { SpiffeId } from 'ephemos/spiffe';
import type { YamlMapping } from '../../project/write-yaml.ts';
import type { ClusterAnswers } from '../answers.ts';
import type { Labels } from '../manifest.ts';

/** The server, or what calls it. */
export type Workload = 'server' | 'client';

/** Both. */
export const workloads: readonly Workload[] = ['server', 'client'];

/** `echo-server`: its objects, its service account and the path of its SPIFFE ID are called by it. */
export function nameOf({ service }: ClusterAnswers, workload: Workload): string {
  return `${service}-${workload}`;
}

/** The SPIFFE ID. */
export function idOf(answers: ClusterAnswers, workload: Workload): string {
  return SpiffeId.parse(`spiffe://${answers.domain}/${nameOf(answers, workload)}`).toString();
}

/** What selects its pods. */
export function selectorOf(answers: ClusterAnswers, workload: Workload): Labels {
  return { 'app.kubernetes.io/name': nameOf(answers, workload) };
}

/** Labels of what belongs to it. */
export function labelsOf(answers: ClusterAnswers, workload: Workload): YamlMapping {
  return { ...selectorOf(answers, workload), ...labelsOfAll(answers) };
}

/** Labels of everything. */
export function labelsOfAll({ service }: ClusterAnswers): YamlMapping {
  return { 'app.kubernetes.io/part-of': service };
}

/** The label of what only who administers the cluster may apply: README.md, "Who may do what". */
export const ADMIN_LABEL: Labels = { 'app.kubernetes.io/component': 'admin' };
