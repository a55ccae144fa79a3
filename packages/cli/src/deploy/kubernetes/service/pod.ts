// What the pods of the server and of its client have in common.
import { noted, type YamlMapping } from '../../project/write-yaml.ts';
import { restrictedPod } from '../manifest.ts';
import { CSI_DRIVER, memory, SERVICE_USER, SOCKET_FILE, WORKLOAD_SOCKET_DIRECTORY } from '../places.ts';
import { CONFIG_DIRECTORY, CONFIG_FILE } from './configs.ts';

/** The volume of the Workload API. */
export const SOCKET_VOLUME = 'spiffe-workload-api';

/** The beginning of the specification of a pod. */
export function podHead(account: string): YamlMapping {
  return {
    serviceAccountName: account,
    automountServiceAccountToken: noted('It asks the API server for nothing. The agent finds the service account out from kubelet.', false),
    enableServiceLinks: noted('No variables for every Service of the namespace.', false),
    securityContext: restrictedPod(SERVICE_USER),
  };
}

/** Variables of a container. */
export const environment: readonly YamlMapping[] = [
  { name: 'EPHEMOS_CONFIG_PATH', value: `${CONFIG_DIRECTORY}/${CONFIG_FILE}` },
  {
    name: noted('The file that the agent makes on each node, in the directory that the CSI driver mounts.', 'SPIFFE_ENDPOINT_SOCKET'),
    value: `unix://${WORKLOAD_SOCKET_DIRECTORY}/${SOCKET_FILE}`,
  },
  {
    name: noted('MiB of heap: below the memory limit, with room for what is not on the heap. Change both together.', 'NODE_OPTIONS'),
    value: memory.heap,
  },
  {
    name: noted('Threads for DNS, files and hashing. Node.js does not count the CPUs that a container has.', 'UV_THREADPOOL_SIZE'),
    value: '4',
  },
];

/** Mounts of a container. */
export const mounts: readonly YamlMapping[] = [
  {
    name: noted('A directory: what is mounted with subPath never changes.', 'config'),
    mountPath: CONFIG_DIRECTORY,
    readOnly: true,
  },
  { name: SOCKET_VOLUME, mountPath: WORKLOAD_SOCKET_DIRECTORY, readOnly: true },
  { name: 'tmp', mountPath: '/tmp' },
];

/** Volumes of a pod. */
export function volumes(configMap: string): readonly YamlMapping[] {
  return [
    { name: 'config', configMap: { name: configMap } },
    {
      name: noted('No hostPath: pod security would refuse it.', SOCKET_VOLUME),
      csi: { driver: CSI_DRIVER, readOnly: true },
    },
    { name: 'tmp', emptyDir: { sizeLimit: '16Mi' } },
  ];
}
