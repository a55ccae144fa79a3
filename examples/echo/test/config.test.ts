// What the programs read out of a good configuration file.
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { readConfig } from '../src/config.ts';

test('the files in config/ say what they should', () => {
  vi.stubEnv('EPHEMOS_CONFIG_PATH', fileURLToPath(new URL('../config/echo-server.yaml', import.meta.url)));
  const server = readConfig('authorized_clients');
  expect(String(server.id)).toBe('spiffe://example.org/echo-server');
  expect(server.peers.map(String)).toEqual(['spiffe://example.org/echo-client']);
  expect(server).toMatchObject({
    endpoint: 'unix:///run/spire/sockets/agent.sock',
    listen: { host: '0.0.0.0', port: 8080 },
    health: { host: '127.0.0.1', port: 8082 },
  });

  vi.stubEnv('EPHEMOS_CONFIG_PATH', fileURLToPath(new URL('../config/echo-client.yaml', import.meta.url)));
  const client = readConfig('trusted_servers');
  expect(String(client.id)).toBe('spiffe://example.org/echo-client');
  expect(client.peers.map(String)).toEqual(['spiffe://example.org/echo-server']);
});
