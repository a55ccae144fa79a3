// The control API of an agent: HTTP and JSON on control.sock, for the command line. Who can enter the directory may do everything.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { EphemosError, isEphemosError } from 'ephemos/errors';
import { booleanOf, controlSocketName, maxRequestBytes, numberOf, parseObject, readJson, stringOf } from './control-request.ts';
import type { DevAgent, DevIdentity } from './dev-agent.ts';
import { parseFault } from './faults.ts';
import { listenUnix, type UnixListener } from './unix-listener.ts';

type Route = (agent: DevAgent, body: unknown) => Promise<unknown>;

const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['GET /agent', async (agent) => describeAgent(agent)],
  ['GET /identities', async (agent) => agent.identities().map(describeIdentity)],
  [
    'POST /identities',
    async (agent, body) => {
      const object = parseObject(body, ['id', 'hint', 'uid', 'gid', 'pid']);
      const hint = object['hint'] === undefined ? undefined : stringOf(object, 'hint');
      const callers = { uid: numberOf(object, 'uid'), gid: numberOf(object, 'gid'), pid: numberOf(object, 'pid') };
      const identity = await agent.register({ id: stringOf(object, 'id'), hint, ...callers });
      return { ...describeIdentity(identity), endpoint: await agent.endpointFor(identity.id) };
    },
  ],
  ['POST /endpoint', async (agent, body) => ({ endpoint: await agent.endpointFor(stringOf(parseObject(body, ['id']), 'id')) })],
  ['POST /withdraw', async (agent, body) => ({ withdrawn: await agent.remove(stringOf(parseObject(body, ['id']), 'id')) })],
  [
    'POST /rotate',
    async (agent, body) => {
      const object = parseObject(body, ['id']);
      await agent.rotate(object['id'] === undefined ? undefined : stringOf(object, 'id'));
    },
  ],
  ['POST /rotate-authority', (agent, body) => agent.rotateAuthority({ overlap: booleanOf(parseObject(body, ['overlap']), 'overlap') })],
  ['POST /retire-authorities', (agent) => agent.retireAuthorities()],
  ['POST /restart', (agent, body) => agent.restart({ downSeconds: numberOf(parseObject(body, ['downSeconds']), 'downSeconds') })],
  ['PUT /fault', async (agent, body) => agent.faults.set(parseFault(body))],
  ['DELETE /fault', async (agent) => agent.faults.clear()],
  ['POST /expire', (agent, body) => agent.faults.expire(stringOf(parseObject(body, ['id']), 'id'))],
  [
    'POST /drop-streams',
    async (agent, body) => agent.faults.dropStreams(stringOf(parseObject(body, ['how']), 'how') === 'reset' ? 'reset' : 'end'),
  ],
]);

/** Serves the control API in the directory. Fails when another agent does so already. */
export async function listenControl(directory: string, agent: DevAgent): Promise<UnixListener> {
  const server = createServer((request, response) => void answer(agent, request, response));
  return listenUnix(join(directory, controlSocketName), (socket) => server.emit('connection', socket));
}

async function answer(agent: DevAgent, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const route = routes.get(`${request.method} ${request.url}`);
  try {
    if (!route) return send(response, 404, errorBody(new EphemosError('ERR_OPTION_INVALID', 'the control API has no such call')));
    const result = await route(agent, await readJson(request, maxRequestBytes));
    send(response, 200, result ?? {});
  } catch (error) {
    const known = isEphemosError(error) ? error : new EphemosError('ERR_WORKLOAD_API_UNAVAILABLE', 'the agent failed', { cause: error });
    send(response, known === error ? 400 : 500, errorBody(known));
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify(body));
}

function errorBody({ code, message, hint }: EphemosError): unknown {
  return { error: { code, message, hint } };
}

function describeAgent(agent: DevAgent): unknown {
  const { trustDomain, directory, sharedEndpoint, sharedUnavailable } = agent;
  return { trustDomain: trustDomain.name, directory, sharedEndpoint, sharedUnavailable, pid: process.pid };
}

function describeIdentity({ id, hint, uid, gid, pid, expiresAt }: DevIdentity): object {
  return { id: id.toString(), hint, uid, gid, pid, expiresAt: expiresAt.toISOString() };
}
