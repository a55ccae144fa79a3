// Connect: a gRPC transport over HTTP/2 through a session manager, and a Connect transport over HTTP/1.1 through the agent.
import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { authorizeId, createAgent, openX509Source } from 'ephemos';
import { createSessionManager } from 'ephemos/connect';
import { Orders } from './orders_pb.js';

const [baseUrl = 'https://localhost:8443', baseUrl1 = 'https://localhost:8444'] = process.argv.slice(2);
const source = await openX509Source();
const authorize = authorizeId('spiffe://example.org/orders');

const sessionManager = createSessionManager(baseUrl, { source, authorize });
const overHttp2 = createClient(Orders, createGrpcTransport({ baseUrl, sessionManager }));
console.log('gRPC over HTTP/2:', (await overHttp2.get({ id: '7' })).caller);
await sessionManager.close();

const nodeOptions = { agent: createAgent({ source, authorize }) };
const overHttp1 = createClient(Orders, createConnectTransport({ baseUrl: baseUrl1, httpVersion: '1.1', nodeOptions }));
console.log('Connect over HTTP/1.1:', (await overHttp1.get({ id: '7' })).caller);
