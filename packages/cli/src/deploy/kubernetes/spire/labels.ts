// The labels of SPIRE's objects.
import { noted, type YamlMapping } from '../../project/write-yaml.ts';
import type { Labels } from '../manifest.ts';
import { names } from '../places.ts';

/** A program of SPIRE. */
export type Program = 'server' | 'agent' | 'csi';

/** What selects its pods. */
export function selectorOf(program: Program): Labels {
  return { 'app.kubernetes.io/name': names[program] };
}

/** Labels of everything. */
export const labelsOfAll: Labels = { 'app.kubernetes.io/part-of': 'spire' };

/** Labels of what belongs to a program. */
export function labelsOf(program: Program): Labels {
  return { ...selectorOf(program), ...labelsOfAll };
}

/** The label of pods that policies and monitors go by, whoever made the pods: the Helm chart is told to put it on its own, whose names are others. */
export const PROGRAM_LABEL = 'spire-program';

/** The name of the port of metrics, as the chart has it. */
export const METRICS_PORT = 'prom';

/** What policies and monitors select its pods by. */
export function programSelector(program: Program): Labels {
  return { [PROGRAM_LABEL]: names[program] };
}

/** Labels of its pods. */
export function podLabels(program: Program): YamlMapping {
  return {
    ...labelsOf(program),
    ...programSelector(program),
    'sidecar.istio.io/inject': noted('Never in a mesh: it would need what it gives.', 'false'),
  };
}

/** What selects the pods of the database, as CloudNativePG labels them. */
export const databaseSelector: Labels = { 'cnpg.io/cluster': names.database };
