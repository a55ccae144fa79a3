// The namespaces of SPIRE.
import { manifestFile, namespace, podSecurity } from '../manifest.ts';
import { AGENT_NAMESPACE, SERVER_NAMESPACE } from '../places.ts';
import { labelsOfAll } from './labels.ts';

/** spire/namespaces.yaml */
export function namespacesFile(): string {
  return manifestFile('Two namespaces, so that where keys and database are nobody may ask for anything of a node.', [
    namespace(SERVER_NAMESPACE, labelsOfAll, podSecurity('restricted')),
    namespace(
      AGENT_NAMESPACE,
      labelsOfAll,
      podSecurity(
        'privileged',
        'Agents see the processes of their node (hostPID), and share a directory of it with the CSI driver, which mounts it into pods (privileged). Nothing else belongs here.',
      ),
    ),
  ]);
}
