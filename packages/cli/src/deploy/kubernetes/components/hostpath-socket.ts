// Answers in; the component for clusters without the CSI driver out.
import { noted, type YamlMapping } from '../../project/write-yaml.ts';
import type { ClusterAnswers } from '../answers.ts';
import { componentFile, manifestFile, podSecurity } from '../manifest.ts';
import { SOCKET_DIRECTORY } from '../places.ts';
import { SOCKET_VOLUME } from '../service/pod.ts';
import { clientPatch, serverPatch } from './patches.ts';

/** The files, by name. */
export function hostpathSocketFiles(answers: ClusterAnswers): ReadonlyMap<string, string> {
  const volume: YamlMapping = {
    name: SOCKET_VOLUME,
    csi: null,
    hostPath: {
      path: SOCKET_DIRECTORY,
      type: noted(
        'Not DirectoryOrCreate: where the agent is missing the pod waits, and does not start with an empty directory.',
        'Directory',
      ),
    },
  };
  return new Map([
    [
      'kustomization.yaml',
      componentFile(
        'The socket of the Workload API from a directory of the node, where the CSI driver cannot be installed. Pod security allows that to "privileged" alone, so the namespace loses its protection: prefer the driver.',
        { patches: [{ path: 'namespace.yaml' }, { path: 'server.yaml' }, { path: 'client.yaml' }] },
      ),
    ],
    [
      'namespace.yaml',
      manifestFile('Every pod of this namespace may now ask for anything of its node.', [
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: answers.service, labels: podSecurity('privileged') } },
      ]),
    ],
    ['server.yaml', manifestFile('The socket of the server.', [serverPatch(answers, { spec: { volumes: [volume] } })])],
    ['client.yaml', manifestFile('The socket of the client.', [clientPatch(answers, { spec: { volumes: [volume] } })])],
  ]);
}
