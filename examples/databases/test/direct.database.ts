// PostgreSQL 17 and later: TLS at once, and the name of the protocol in ALPN.
import { createPgStream, type SslNegotiation } from 'ephemos/pg';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failureOf } from './events.ts';
import { openPostgres, type PostgresServer, programsOf } from './postgres-server.ts';
import { DATABASE, filesOf, type Identity, ORDERS, openWorld, type World } from './world.ts';

let world: World;
let database: PostgresServer;
let orders: Identity;
beforeAll(async () => {
  world = openWorld();
  database = await openPostgres({ files: await filesOf(world.authority, DATABASE), bin: programsOf('POSTGRES_DIRECT'), copied: true });
  orders = await world.client(ORDERS, 'orders');
});
afterAll(async () => {
  await database?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
});

async function ask(identity: Identity, negotiation: SslNegotiation): Promise<unknown> {
  const { host, port } = database;
  const client = new Client({ stream: createPgStream({ ...identity, negotiation }), host, port, user: 'orders_rw', database: 'shop' });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query("SELECT system_user, current_setting('server_version_num')::int >= 170000 AS direct")).rows[0];
  } finally {
    await client.end();
  }
}

describe('PostgreSQL 17 and later', () => {
  it.each(['direct', 'postgres'] as const)('is reached with negotiation %s', async (negotiation) => {
    const row = await ask(orders, negotiation);
    expect(row).toEqual({ direct: true, system_user: 'cert:CN=orders,O=Ephemos development' });
  });

  it('refuses direct TLS by a client of somebody else as it does any', async () => {
    const other = await world.client('spiffe://example.org/other', 'other');
    expect(await failureOf(ask(other, 'direct'))).toMatchObject({ code: '28000' });
  });
});
