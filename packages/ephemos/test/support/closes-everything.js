// A program that uses every server and client of Ephemos once, closes them, keeps its sources open, and must then end by itself.
import { get } from 'node:https';
import { createTestAuthority } from '@ephemos/dev';
import { Client, Server as GrpcServer } from '@grpc/grpc-js';
import { authorizeAny, createAgent, createFetch, createServer } from 'ephemos';
import { createChannelCredentials, createGrpcListener } from 'ephemos/grpc';
import { createHttp2Client, createHttp2Server } from 'ephemos/http2';
import { connect, listen } from 'ephemos/tls';

const authority = createTestAuthority('example.org');
const source = await authority.openX509Source('spiffe://example.org/web');
const identity = { source, authorize: authorizeAny() };
const host = '127.0.0.1';
const listening = (server) => new Promise((resolve) => server.listen(0, host, () => resolve(`https://${host}:${server.address().port}`)));

const http = createServer(identity, (_request, response) => response.end('ok'));
const origin = await listening(http);
const agent = createAgent(identity);
await new Promise((resolve, reject) => get(origin, { agent }, (response) => response.resume().once('end', resolve)).once('error', reject));
const fetch = createFetch(identity);
await (await fetch(origin)).text();

const h2 = createHttp2Server(identity, (_request, response) => response.end('ok'));
const client = createHttp2Client(await listening(h2), identity);
for await (const _ of await client.request({ ':path': '/' }));

const grpc = new GrpcServer();
const grpcListener = createGrpcListener(grpc, identity);
const channel = new Client((await listening(grpcListener)).slice('https://'.length), createChannelCredentials(identity));
await new Promise((resolve, reject) => channel.waitForReady(Date.now() + 5_000, (error) => (error ? reject(error) : resolve())));

const raw = await listen({ ...identity, host }, (socket) => socket.resume());
await connect({ ...identity, host, port: raw.address().port });

agent.destroy();
await fetch.close();
await client.close();
channel.close();
await new Promise((resolve) => grpc.tryShutdown(resolve));
await raw.close();
for (const server of [http, h2, grpcListener]) await new Promise((resolve) => server.close(resolve));
const closedAt = performance.now();
process.once('exit', () =>
  process.stdout.write(`closed after ${Math.round(closedAt)} ms, ended ${Math.round(performance.now() - closedAt)} ms later\n`),
);
