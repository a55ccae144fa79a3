// What a component changes of the server and its client: the rest of their pods stays as it is.
import type { YamlMapping } from '../../project/write-yaml.ts';
import type { ClusterAnswers } from '../answers.ts';
import type { Manifest } from '../manifest.ts';
import { nameOf } from '../service/workloads.ts';

/** A patch of the pods of the server. */
export function serverPatch(answers: ClusterAnswers, template: YamlMapping): Manifest {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: nameOf(answers, 'server'), namespace: answers.service },
    spec: { template },
  };
}

/** A patch of the pods of the client. */
export function clientPatch(answers: ClusterAnswers, template: YamlMapping): Manifest {
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: nameOf(answers, 'client'), namespace: answers.service },
    spec: { jobTemplate: { spec: { template } } },
  };
}
