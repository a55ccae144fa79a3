// Answers in; the files of base/ out.
import { DEFAULT_MONITORING } from '../../monitoring/monitoring.ts';
import { noted } from '../../project/write-yaml.ts';
import type { ClusterAnswers } from '../answers.ts';
import { kustomizationFile } from '../manifest.ts';
import { deployersFile, identitiesFile, namespaceFile } from './admin.ts';
import { clientFile } from './client.ts';
import { CONFIG_FILE, clientConfig, serverConfig } from './configs.ts';
import { monitorFile, rulesFile } from './monitors.ts';
import { networkFile } from './network.ts';
import { scalingFile } from './scaling.ts';
import { serverFile } from './server.ts';
import { nameOf, workloads } from './workloads.ts';

/** The files, by name. */
export function baseFiles(answers: ClusterAnswers): ReadonlyMap<string, string> {
  const manifests = new Map([
    ['namespace.yaml', namespaceFile(answers)],
    ['identities.yaml', identitiesFile(answers)],
    ['deployers.yaml', deployersFile(answers)],
    ['server.yaml', serverFile(answers, DEFAULT_MONITORING.jobs.services)],
    ['client.yaml', clientFile(answers)],
    ['network.yaml', networkFile(answers)],
    ['scaling.yaml', scalingFile(answers)],
    ['monitor.yaml', monitorFile(answers)],
    ['rules.yaml', rulesFile(answers)],
  ]);
  const configs = { server: serverConfig(answers), client: clientConfig(answers) };
  const configFile = (workload: 'server' | 'client'): string => `config/${nameOf(answers, workload)}.yaml`;
  return new Map([
    [
      'kustomization.yaml',
      kustomizationFile(
        `What every cluster has of ${answers.service}. Apply an overlay: kubectl apply --server-side -k ../overlays/production`,
        {
          resources: [...manifests.keys()],
          configMapGenerator: noted(
            'The name of a ConfigMap ends in a hash of what is in it, so that a change rolls out pod by pod, and can be rolled back.',
            workloads.map((workload) => ({
              name: nameOf(answers, workload),
              namespace: answers.service,
              files: [`${CONFIG_FILE}=${configFile(workload)}`],
            })),
          ),
        },
      ),
    ],
    ...manifests,
    ...workloads.map((workload) => [configFile(workload), configs[workload]] as const),
  ]);
}
