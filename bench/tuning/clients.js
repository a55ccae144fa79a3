// How many connections clients make for calls that begin together, and what that costs the calls.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { request } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@grpc/grpc-js';
import { authorizeMemberOf, createAgent, createFetch } from 'ephemos';
import { channelOptions, createChannelCredentials } from 'ephemos/grpc';
import { createDispatcher } from 'ephemos/undici';
import { echoDefinition } from '../lib/echo.js';
import { createFixedSource, makeIdentities } from '../lib/identities.js';
import { median } from '../lib/statistics.js';
import { startWorker } from '../lib/worker.js';

const AT_ONCE = 64;
const AGAIN = 10;

export async function measureClients() {
  const identities = await makeIdentities({ intermediate: true, clients: 1 });
  const options = { source: createFixedSource(identities.callers, identities.bundle), authorize: authorizeMemberOf('bench.example') };
  const http = startWorker('call-server.js', { kind: 'http ours', identities });
  const grpc = startWorker('call-server.js', { kind: 'grpc ours', identities });
  const rows = [];
  try {
    const ports = { http: await http.ready, grpc: await grpc.ready };
    for (const [name, open] of Object.entries(clients)) rows.push({ name, ...(await burst(open({ options, ports }))) });
  } finally {
    await http.stop();
    await grpc.stop();
  }
  return { atOnce: AT_ONCE, again: AGAIN, rows };
}

const clients = {
  '`createFetch`': ({ options, ports }) => {
    const fetch = createFetch(options);
    return {
      call: async () => (await fetch(`https://127.0.0.1:${ports.http}/`)).text(),
      close: () => fetch.close(),
    };
  },
  '`createDispatcher({ connections: 8 })`': ({ options, ports }) => {
    const dispatcher = createDispatcher({ ...options, connections: 8 });
    return {
      call: async () => (await dispatcher.request({ origin: `https://127.0.0.1:${ports.http}`, path: '/', method: 'GET' })).body.text(),
      close: () => dispatcher.close(),
    };
  },
  '`createAgent`': ({ options, ports }) => viaAgent(createAgent(options), ports.http),
  '`createAgent({ maxSockets: 8 })`': ({ options, ports }) => viaAgent(createAgent({ ...options, maxSockets: 8 }), ports.http),
  'a gRPC channel': ({ options, ports }) => {
    const client = new Client(`localhost:${ports.grpc}`, createChannelCredentials(options), channelOptions);
    const { path, requestSerialize, responseDeserialize } = echoDefinition.echo;
    return {
      call: () =>
        new Promise((resolve, reject) => {
          client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { message: 'x' }, (error) =>
            error ? reject(error) : resolve(),
          );
        }),
      close: () => client.close(),
    };
  },
};

function viaAgent(agent, port) {
  return {
    call: () =>
      new Promise((resolve, reject) => {
        const sent = request({ host: '127.0.0.1', port, agent }, (response) => response.resume().on('end', resolve));
        sent.on('error', reject);
        sent.end();
      }),
    close: () => agent.destroy(),
  };
}

async function burst({ call, close }) {
  let connections = 0;
  const count = ({ role }) => {
    if (role === 'client') connections += 1;
  };
  subscribe('ephemos:tls:handshake', count);
  const once = async () => {
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: AT_ONCE }, call));
    return performance.now() - startedAt;
  };
  try {
    const first = await once();
    const later = [];
    for (let i = 0; i < AGAIN; i++) {
      await delay(50);
      later.push(await once());
    }
    return { connections, firstMs: Math.round(first), laterMs: Math.round(median(later)) };
  } finally {
    unsubscribe('ephemos:tls:handshake', count);
    await close();
  }
}
