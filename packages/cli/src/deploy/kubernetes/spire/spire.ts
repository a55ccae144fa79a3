// Answers in; the files of spire/ out.

import { noted, type YamlMapping } from '../../project/write-yaml.ts';
import { parseSpire } from '../../spire/read-spire.ts';
import { renderSpire } from '../../spire/render-spire.ts';
import type { ClusterAnswers } from '../answers.ts';
import { below } from '../files.ts';
import { kustomizationFile } from '../manifest.ts';
import { AGENT_NAMESPACE, names, SERVER_NAMESPACE } from '../places.ts';
import { agentFile } from './agent.ts';
import { balancerFiles } from './balancer.ts';
import { controllerManagerFile } from './controller-manager.ts';
import { csiDriverFile } from './csi-driver.ts';
import { databaseFiles } from './database.ts';
import { monitoringFiles } from './monitors.ts';
import { namespacesFile } from './namespaces.ts';
import { networkFiles } from './network.ts';
import { serverFile } from './server.ts';
import { serverAccessFile } from './server-access.ts';
import { spireValues, spireYaml } from './values.ts';

/** The files, by name. */
export function spireFiles(answers: ClusterAnswers): ReadonlyMap<string, string> {
  const manifests = new Map([
    ['namespaces.yaml', namespacesFile()],
    ['server-access.yaml', serverAccessFile()],
    ['server.yaml', serverFile()],
    ['agent.yaml', agentFile()],
    ['csi-driver.yaml', csiDriverFile()],
  ]);
  const generator = (name: string, namespace: string, file: string): YamlMapping => ({ name, namespace, files: [file] });
  return new Map([
    [
      'kustomization.yaml',
      kustomizationFile('SPIRE, without Helm: kubectl apply --server-side -k . README.md says what has to be there before.', {
        resources: [...manifests.keys(), 'database', 'network', 'monitoring'],
        configMapGenerator: noted('Each name ends in a hash of what is in it, so that a change rolls out.', [
          generator(names.server, SERVER_NAMESPACE, 'server.conf'),
          generator(names.manager, SERVER_NAMESPACE, 'controller-manager.yaml'),
          generator(names.agent, AGENT_NAMESPACE, 'agent.conf'),
        ]),
      }),
    ],
    ...manifests,
    ['controller-manager.yaml', controllerManagerFile(answers)],
    ['spire.yaml', spireYaml(answers)],
    ...renderSpire(parseSpire(spireValues(answers))),
    ...below('database', databaseFiles()),
    ...below('network', networkFiles()),
    ...below('monitoring', monitoringFiles()),
    ...below('components/internal-load-balancer', balancerFiles(answers)),
  ]);
}
