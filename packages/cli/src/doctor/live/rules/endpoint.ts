// Whether anything says where the Workload API is.
import { isEphemosError } from 'ephemos/errors';
import { formatEndpoint } from 'ephemos/workload-api';
import { exportLine } from '../../../output/text.ts';
import { finding, found, mend, pass, type Rule } from '../../check.ts';
import type { LiveEvidence } from '../evidence.ts';

/** The rule. */
export const endpointRule: Rule<LiveEvidence> = {
  id: 'spire.reachable.endpoint',
  title: 'something says where the Workload API is',
  judge({ endpoint, endpointFrom }) {
    if (!isEphemosError(endpoint)) return pass(`${formatEndpoint(endpoint)}, from ${endpointFrom}`);
    const missing = endpoint.code === 'ERR_ENDPOINT_MISSING';
    return found(
      finding(missing ? 'spire.reachable.endpoint.missing' : 'spire.reachable.endpoint.invalid', endpoint.message, {
        evidence: [],
        mends: [
          mend(
            missing
              ? 'name the socket of the agent: socket_path of its configuration'
              : (endpoint.hint ?? 'write unix:///path of the socket, or tcp://ip:port'),
            exportLine('unix:///run/spire/sockets/agent.sock'),
          ),
        ],
      }),
    );
  },
};
