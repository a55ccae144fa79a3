// Answers in; the configuration of SPIRE's controller manager out.
import { noted } from '../../project/write-yaml.ts';
import type { ClusterAnswers } from '../answers.ts';
import { manifestFile } from '../manifest.ts';
import { AGENT_NAMESPACE, CLASS_NAME, inside, names, SERVER_NAMESPACE, spirePorts } from '../places.ts';

/** spire/controller-manager.yaml */
export function controllerManagerFile({ domain, cluster }: ClusterAnswers): string {
  return manifestFile(
    "The configuration of SPIRE's controller manager, which makes registration entries of pods. Not an object: it is mounted.",
    [
      {
        apiVersion: 'spire.spiffe.io/v1alpha1',
        kind: 'ControllerManagerConfig',
        metadata: { name: names.manager },
        trustDomain: domain,
        clusterName: noted('As in server.conf and agent.conf: the IDs of agents, under which entries are made, have it in them.', cluster),
        className: CLASS_NAME,
        watchClassless: false,
        entryIDPrefix: noted('Without a prefix it takes every entry for its own, and deletes those that others made.', cluster),
        ignoreNamespaces: noted('Regular expressions.', [
          '^kube-system$',
          '^kube-public$',
          `^${AGENT_NAMESPACE}$`,
          `^${SERVER_NAMESPACE}$`,
        ]),
        spireServerSocketPath: inside.serverSocket,
        logEncoding: 'json',
        leaderElection: { leaderElect: true, resourceName: names.lease, resourceNamespace: SERVER_NAMESPACE },
        metrics: { bindAddress: noted('None.', '0') },
        health: { healthProbeBindAddress: `:${spirePorts.managerHealth}` },
      },
    ],
  );
}
