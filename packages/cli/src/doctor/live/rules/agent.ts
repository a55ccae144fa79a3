// Whether what answers is a Workload API, in time, and sends what can be taken.
import { isEphemosError } from 'ephemos/errors';
import { formatEndpoint } from 'ephemos/workload-api';
import { type Finding, finding, found, mend, pass, type Rule, skip } from '../../check.ts';
import { type Answer, connectFailure, isServing, type LiveEvidence } from '../evidence.ts';
import { startAgent } from '../mends.ts';

/** The rule. */
export const agentRule: Rule<LiveEvidence> = {
  id: 'spire.reachable.agent',
  title: 'what answers is a Workload API',
  judge(evidence) {
    const { workload } = evidence;
    if (workload === undefined || connectFailure(evidence) !== undefined) return skip('there is no connection to ask over');
    return isServing(evidence) || workload.error === undefined ? pass('it answers') : found(explain(workload, evidence));
  },
};

type Failure = Extract<Answer<never>, { readonly silent: boolean }>;

function explain({ error, silent }: Failure, { endpoint, timeout }: LiveEvidence): Finding {
  const where = isEphemosError(endpoint) ? '' : formatEndpoint(endpoint);
  if (silent) {
    return finding('spire.reachable.agent.silent', `${where} takes the connection and does not answer within ${timeout / 1000} s`, {
      evidence: [],
      mends: [startAgent, mend('or give it longer', 'ephemos doctor --live --timeout 30s')],
    });
  }
  const evidence = [error.message];
  switch (error.code) {
    case 'ERR_WORKLOAD_API_UNIMPLEMENTED':
    case 'ERR_WORKLOAD_API_INVALID_ARGUMENT':
      return finding('spire.reachable.agent.not-workload-api', `what answers at ${where} is no Workload API`, {
        evidence,
        mends: [
          mend(
            'name the socket of spire-agent (socket_path of its agent block), not that of spire-server',
            'export SPIFFE_ENDPOINT_SOCKET=unix:///run/spire/sockets/agent.sock',
          ),
        ],
      });
    case 'ERR_WORKLOAD_API_RESPONSE_INVALID':
      return finding('spire.reachable.agent.update-invalid', 'the agent sends what no workload may take', {
        evidence,
        mends: [mend('it is a fault of the agent: restart it, and look at its log', 'systemctl restart spire-agent')],
      });
    default:
      return finding('spire.reachable.agent.unavailable', 'the agent cannot answer', {
        evidence,
        mends: [mend(error.hint ?? 'look at the log of the agent', 'journalctl -u spire-agent -n 50'), startAgent],
      });
  }
}
