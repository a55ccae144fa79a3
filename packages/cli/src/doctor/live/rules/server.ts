// Whether SPIRE's server is there: by its port, by its health listener, by its API, and by what the agent's log says of it.
import { span } from '../../../output/time.ts';
import { type Finding, finding, found, mend, pass, type Rule, skip } from '../../check.ts';
import { shellWord } from '../../shell.ts';
import type { LiveEvidence } from '../evidence.ts';

/** What the agent said of its server is believed for so long, in milliseconds: while it fails it tries less and less often, at last every 4 min. */
const LOG_LIFE = 300_000;

/** The rule. */
export const serverRule: Rule<LiveEvidence> = {
  id: 'spire.reachable.server',
  title: 'its server can be reached',
  judge(evidence) {
    const findings = [ofPort, ofHealth, ofApi, ofLog].map((of) => of(evidence)).filter((each) => each !== undefined);
    const [first, ...more] = findings;
    if (first !== undefined) return found(first, ...more);
    const { serverPort, serverHealth, registration, agentLog } = evidence;
    const seen = [
      ...(serverPort === undefined ? [] : [`${serverPort.address} is ${serverPort.id?.toString() ?? 'there'}`]),
      ...(serverHealth === undefined ? [] : [`${serverHealth.url} is ready`]),
      ...(registration === undefined ? [] : ['its API answers']),
      ...(agentLog === undefined || agentLog.lines === 0 ? [] : ["the agent's log has nothing against it"]),
    ];
    if (seen.length > 0) return pass(seen.join('; '));
    return skip('not looked at: give --server-address, --spire-server-health, --server or --agent-log');
  },
};

function ofPort({ serverPort }: LiveEvidence): Finding | undefined {
  if (serverPort === undefined) return undefined;
  const { address, reached, failure, hint, id } = serverPort;
  const [host, port] = [address.slice(0, address.lastIndexOf(':')), address.slice(address.lastIndexOf(':') + 1)];
  if (failure !== undefined && !reached) {
    return finding('spire.reachable.server.unreachable', failure, {
      evidence: hint === undefined ? [] : [hint],
      mends: [
        mend('on the machine of the server: start it', 'systemctl restart spire-server'),
        mend('if it runs: is this its address? then open the way to it', `nc -vz ${shellWord(host)} ${shellWord(port)}`),
      ],
    });
  }
  if (failure === undefined && id?.path === '/spire/server') return undefined;
  return finding('spire.reachable.server.not-spire', `what answers at ${address} is no SPIRE server`, {
    evidence: [failure ?? (id === undefined ? 'its certificate has no SPIFFE ID' : `its certificate says ${id}, and not …/spire/server`)],
    mends: [mend('give the agents the port of spire-server, in agent.conf', `server_address = "<host>"`, `server_port = "8081"`)],
  });
}

function ofHealth({ serverHealth }: LiveEvidence): Finding | undefined {
  if (serverHealth === undefined || serverHealth.status === 200) return undefined;
  const { url, status, body, failure } = serverHealth;
  return finding(
    'spire.reachable.server.unhealthy',
    failure === undefined ? 'the server says that it is not ready' : 'the health of the server cannot be asked',
    {
      evidence: [`${url}: ${failure ?? `${status} ${body.trim().slice(0, 200)}`}`],
      mends: [
        mend(
          'on the machine of the server: look at its log, then start it again',
          'journalctl -u spire-server -n 50',
          'systemctl restart spire-server',
        ),
      ],
    },
  );
}

function ofApi({ registration }: LiveEvidence): Finding | undefined {
  if (registration?.failure === undefined) return undefined;
  const { message, hint } = registration.failure;
  return finding('spire.reachable.server.api-failed', message, {
    evidence: [],
    mends: [
      mend(hint ?? 'is it the admin socket of spire-server?', 'ephemos agents list --server unix:///run/spire-server/private/api.sock'),
    ],
  });
}

function ofLog({ agentLog, serverPort, now }: LiveEvidence): Finding | undefined {
  const { trouble, lostServer } = agentLog ?? {};
  const said = trouble?.kind === 'server-unreachable' ? trouble : lostServer?.kind === 'server-unreachable' ? lostServer : undefined;
  if (agentLog === undefined || said === undefined) return undefined;
  const age = said.time === undefined ? 0 : Math.max(0, now - said.time);
  const [, address = '<host:port>', port] = /dial tcp (\S+?(:\d+)): /.exec(said.text) ?? [];
  // What takes a connection where the agent dials has come back since.
  const isBack = serverPort?.failure === undefined && serverPort?.address.endsWith(port ?? '') === true;
  if (isBack || age > LOG_LIFE) return undefined;
  return finding('spire.reachable.server.unreachable', `the agent could not reach its server ${span(age)} ago`, {
    evidence: [`${agentLog.file}: ${said.text}`],
    mends: [
      mend('on the machine of the server: start it', 'systemctl restart spire-server'),
      mend('from here: see what is at its address', `ephemos doctor --live --server-address ${shellWord(address)}`),
    ],
  });
}
