// Model Context Protocol: streamable HTTP on Express behind createServer. Tools know the caller by SPIFFE ID, as the client of authInfo.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { authorizeId, createServer, openX509Source, peerOf } from 'ephemos';
import express from 'express';

const source = await openX509Source();
const authorize = authorizeId('spiffe://example.org/web');

function createTools() {
  const tools = new McpServer({ name: 'orders', version: '1.0.0' });
  tools.registerTool('list', { description: 'Lists the orders of the caller' }, ({ authInfo }) => ({
    content: [{ type: 'text', text: `orders for ${authInfo.clientId}` }],
  }));
  return tools;
}

// Without sessions: every request has its own transport, and its own caller.
const app = express();
app.post('/mcp', async (req, res) => {
  req.auth = { token: '', clientId: String(peerOf(req).id), scopes: [] };
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  await createTools().connect(transport);
  res.on('close', () => transport.close());
  await transport.handleRequest(req, res);
});
app.all('/mcp', (_req, res) => res.sendStatus(405));
const server = createServer({ source, authorize }, app);
server.listen(process.env.PORT ?? 8443, 'localhost', () => console.log('listening on', server.address()));
