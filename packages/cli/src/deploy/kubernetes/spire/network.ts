// Who may connect to whom in the namespaces of SPIRE.
import { noted } from '../../project/write-yaml.ts';
import { kustomizationFile, manifestFile, podsIn, prometheus, tcp } from '../manifest.ts';
import { AGENT_NAMESPACE, names, SERVER_NAMESPACE, spirePorts } from '../places.ts';
import { apiServer, denyAllButNames, networkPolicy } from '../policies.ts';
import { databaseSelector, labelsOf, labelsOfAll, programSelector } from './labels.ts';

/** The files of spire/network, by name. */
export function networkFiles(): ReadonlyMap<string, string> {
  return new Map([
    [
      'kustomization.yaml',
      kustomizationFile('Network policies of SPIRE, for the Helm chart too, which has none.', { resources: ['network.yaml'] }),
    ],
    ['network.yaml', networkFile()],
  ]);
}

function networkFile(): string {
  return manifestFile(
    'Who may connect to whom in the namespaces of SPIRE. The CSI driver needs nobody. Agents outside of the cluster come through components/internal-load-balancer.',
    [
      ...denyAllButNames(SERVER_NAMESPACE, labelsOfAll),
      networkPolicy({
        name: names.server,
        namespace: SERVER_NAMESPACE,
        labels: labelsOf('server'),
        selector: programSelector('server'),
        ingress: [
          { from: [podsIn(AGENT_NAMESPACE, programSelector('agent'))], ports: tcp(spirePorts.server) },
          { from: [prometheus], ports: tcp(spirePorts.metrics) },
        ],
        egress: [{ to: [podsIn(SERVER_NAMESPACE, databaseSelector)], ports: tcp(5432) }, apiServer],
      }),
      ...denyAllButNames(AGENT_NAMESPACE, labelsOfAll),
      networkPolicy({
        name: names.agent,
        namespace: AGENT_NAMESPACE,
        labels: labelsOf('agent'),
        selector: programSelector('agent'),
        ingress: [{ from: [prometheus], ports: tcp(spirePorts.metrics) }],
        egress: [
          { to: [podsIn(SERVER_NAMESPACE, programSelector('server'))], ports: tcp(spirePorts.server) },
          { ports: noted('Kubelet, at the address of the node.', tcp(10_250)) },
        ],
      }),
    ],
  );
}
