// What the tests of health run in: an identity of a test authority, and callers of the port that close with the test.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createTestAuthority, type TestAuthority } from '@ephemos/dev';
import type { X509Source } from 'ephemos';
import { createHealth, type Health } from '../../src/health/health.ts';
import { type HealthServer, openHealthServer } from '../../src/health/open-health-server.ts';

export const host = '127.0.0.1';
export const id = 'spiffe://example.org/orders';

export interface World extends AsyncDisposable {
  readonly authority: TestAuthority;
  readonly source: X509Source;
}

export async function openWorld(options: Parameters<typeof createTestAuthority>[1] = {}): Promise<World> {
  const authority = createTestAuthority('example.org', options);
  const source = await authority.openX509Source(id);
  return { authority, source, [Symbol.asyncDispose]: () => source.close() };
}

/** A service whose port answers; ready once it listens. */
export interface Service extends World {
  readonly health: Health;
  readonly server: HealthServer;
  readonly port: number;
  /** A bare connection. */
  dial(): Promise<Socket>;
}

export async function openService(services?: () => Iterable<string>): Promise<Service> {
  const world = await openWorld();
  const health = createHealth({ source: world.source });
  const server = await openHealthServer({ address: { host, port: 0 }, health, services });
  const { port } = server.address;
  const sockets: Socket[] = [];
  return {
    ...world,
    health,
    server,
    port,
    async dial() {
      const socket = connect(port, host);
      socket.on('error', () => undefined);
      sockets.push(socket);
      await once(socket, 'connect');
      return socket;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await server.close();
      health.close();
      await world.source.close();
    },
  };
}

/** Everything that comes on a socket until it is closed. */
export function readToEnd(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('latin1').on('data', (part: string) => {
    text += part;
  });
  return new Promise((resolve) => {
    if (socket.destroyed) resolve(text);
    else socket.once('close', () => resolve(text));
  });
}

/** Resolves when a condition holds, asked again at every change. */
export function untilHealth(health: Health, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!holds()) return;
      stop();
      resolve();
    };
    const stop = health.onChange(look);
    look();
  });
}
