// Model Context Protocol: the client transport takes our fetch, so every message goes to the server that was named, and to no other.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { authorizeId, createFetch, openX509Source } from 'ephemos';

const source = await openX509Source();
const fetch = createFetch({ source, authorize: authorizeId('spiffe://example.org/orders') });

const client = new Client({ name: 'web', version: '1.0.0' });
await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', process.argv[2] ?? 'https://localhost:8443'), { fetch }));
const { content } = await client.callTool({ name: 'list' });
console.log(content[0]?.text);
await client.close();
await fetch.close();
