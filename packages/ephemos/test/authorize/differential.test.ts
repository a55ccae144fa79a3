// The gate in front of real applications, raw bytes from a socket: whatever handler a request reaches, the rule of that handler allowed it.
import { createServer, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { EphemosError, SpiffeId } from 'ephemos';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Policy, parsePolicy } from '../../src/authorize/policy.ts';
import { namesMethod, namesRoute } from '../../src/authorize/rule.ts';
import type { HttpTarget } from '../../src/authorize/target.ts';
import { parseRequestTarget } from '../../src/authorize/target-request.ts';
import { bounded } from '../support/events.ts';
import { listening } from '../support/listening.ts';
import { type App, apps, handlerIds, literalRules, peerFor, policy, REACHED } from './differential-apps.ts';
import { anyTarget, get, plain, table, type WireRequest } from './differential-targets.ts';

type Homes = ReadonlyMap<string, string | undefined>;

/** The handlers whose only peer may go on; `undefined` is a request that is answered with 400. */
type Gate = (request: IncomingMessage) => readonly string[] | undefined;

interface Outcome {
  /** The handler that was reached. */
  readonly reached: string | undefined;
  readonly allowed: readonly string[] | undefined;
}

const peers = handlerIds.map((id) => ({ handler: id, id: SpiffeId.parse(peerFor(id)) }));

function gateOf(rules: Policy): Gate {
  return (request) => {
    let target: HttpTarget;
    try {
      target = parseRequestTarget(request);
    } catch (error) {
      if (error instanceof EphemosError && error.code === 'ERR_TARGET_INVALID') return undefined;
      throw error;
    }
    return peers.filter((peer) => rules.decide(peer, target).allowed).map(({ handler }) => handler);
  };
}

/** A gate as it is often written: the path up to the query, compared as it is. */
const simpleGate: Gate = ({ method = '', url = '' }) => {
  const [rawPath = ''] = url.split('?');
  const target: HttpTarget = { protocol: 'http', method: method === 'HEAD' ? 'GET' : method, path: rawPath, rawPath };
  return policy.rules
    .filter(({ http }) => http !== undefined && namesMethod(http, target) && namesRoute(http, target))
    .map(({ name }) => name);
};

interface Gated extends AsyncDisposable {
  gate: Gate;
  ask(request: WireRequest): Promise<Outcome>;
}

async function openGated(app: App, first: Gate): Promise<Gated> {
  const { listener, close } = await app.open();
  let allowed: readonly string[] | undefined;
  const gated: Gated = {
    gate: first,
    async ask(request) {
      allowed = undefined;
      const reached = new RegExp(`^${REACHED}: (\\S+)`, 'im').exec(await answerOf(port, request))?.[1];
      return { reached, allowed };
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await close();
    },
  };
  const server = await listening(
    createServer((req, res) => {
      allowed = gated.gate(req);
      if (allowed === undefined) res.writeHead(400).end();
      else if (allowed.length === 0) res.writeHead(403).end();
      else listener(req, res);
    }),
  );
  const { port } = server;
  return gated;
}

async function answerOf(port: number, { method, target, headers }: WireRequest): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  let answer = '';
  socket.on('data', (chunk: string) => {
    answer += chunk;
  });
  // A request that the parser refuses may end in a reset.
  socket.on('error', () => undefined);
  const host = headers.some((header) => header.startsWith('Host:')) ? [] : ['Host: localhost'];
  const closing = headers.some((header) => header.startsWith('Connection:')) ? [] : ['Connection: close'];
  socket.write([`${method} ${target} HTTP/1.1`, ...host, ...closing, 'Content-Length: 0', ...headers, '', ''].join('\r\n'), 'latin1');
  if (closing.length === 0) socket.once('data', () => socket.destroy());
  await bounded(new Promise((resolve) => socket.on('close', resolve)), JSON.stringify(target));
  return answer;
}

/** The handlers that the paths of literal rules reach, by the name of the rule. */
async function homesOf(gated: Gated): Promise<Homes> {
  const homes = new Map<string, string | undefined>();
  const { gate } = gated;
  gated.gate = () => handlerIds;
  for (const [id, { method, path }] of literalRules) homes.set(id, (await gated.ask({ method, target: path, headers: [] })).reached);
  gated.gate = gate;
  return homes;
}

/**
 * The requests that reached a handler although its rule does not allow them, or although a peer was let on whose only rule is for one path
 * and that path reaches another handler.
 */
async function violations(gated: Gated, requests: Iterable<WireRequest>, homes: Homes, ruled = handlerIds): Promise<readonly string[]> {
  const found: string[] = [];
  for (const request of requests) {
    const { reached, allowed = [] } = await gated.ask(request);
    if (reached === undefined) continue;
    const astray = allowed.filter((id) => homes.has(id) && homes.get(id) !== reached);
    if ((ruled.includes(reached) && !allowed.includes(reached)) || astray.length > 0) {
      const text = `${request.method} ${JSON.stringify(request.target)} ${request.headers.join()}`;
      found.push(`${text} reached ${reached}, allowed for ${allowed}, astray ${astray}`);
    }
  }
  return found;
}

describe.each(apps)('$name', (app) => {
  it('answers plain requests as it would without the gate, and allows each to its handler', async () => {
    await using gated = await openGated(app, gateOf(policy));
    const missed: string[] = [];
    for (const [text, handler] of plain) {
      const [method = '', target = ''] = text.split(' ');
      gated.gate = () => handlerIds;
      const without = await gated.ask({ method, target, headers: [] });
      gated.gate = gateOf(policy);
      const { reached, allowed } = await gated.ask({ method, target, headers: [] });
      if (reached !== without.reached) missed.push(`${text}: ${reached}, not ${without.reached}`);
      if (allowed?.includes(handler) !== true) missed.push(`${text} is not allowed to ${handler}, only to ${allowed}`);
    }
    expect(missed).toEqual([]);
  });

  it('reaches no handler that its rule does not allow, by any trick of the table', { timeout: 120_000 }, async () => {
    await using gated = await openGated(app, gateOf(policy));
    expect(await violations(gated, table, await homesOf(gated))).toEqual([]);
  });

  it('nor by a random target, whatever part of the rules there is', { timeout: 120_000 }, async () => {
    await using gated = await openGated(app, gateOf(policy));
    const homes = await homesOf(gated);
    await fc.assert(
      fc.asyncProperty(anyTarget, fc.subarray([...policy.rules]), async (target, rules) => {
        const names = rules.map(({ name }) => name);
        const some = parsePolicy({
          rules: rules.map(({ name, peers: ids, http }) => ({
            name,
            id: [...ids],
            http: { route: http?.routes?.map(({ text }) => text), ...(http?.methods === undefined ? {} : { method: [...http.methods] }) },
          })),
        });
        gated.gate = gateOf(policy);
        const all = await violations(gated, [get(target)], homes);
        gated.gate = gateOf(some);
        expect([...all, ...(await violations(gated, [get(target)], homes, names))]).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});

describe('the table', () => {
  it('has 200 targets and more', () => {
    expect(new Set(table.map(({ target }) => target)).size).toBeGreaterThan(200);
  });

  it.each(apps.filter(({ name }) => !name.includes('strict and')))(
    'has tricks that pass a gate which compares the path as it is: $name',
    { timeout: 120_000 },
    async (app) => {
      await using gated = await openGated(app, simpleGate);
      expect((await violations(gated, table, await homesOf(gated))).length).toBeGreaterThan(0);
    },
  );
});
