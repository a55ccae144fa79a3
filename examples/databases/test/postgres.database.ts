import { X509Certificate } from 'node:crypto';
import { authorizeId } from 'ephemos';
import { createPgStream, peerOf } from 'ephemos/pg';
import { Client, type ClientConfig } from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { bounded, failureOf, untilHolds } from './events.ts';
import { openPostgres, type PostgresServer, programsOf } from './postgres-server.ts';
import { DATABASE, filesOf, type Identity, ORDERS, openWorld, REPORTS, rotate, uniqueIdOf, type World } from './world.ts';

const WHO = `SELECT current_user, s.ssl, s.version, s.client_dn, s.client_serial::text AS client_serial
  FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid()`;

let world: World;
let database: PostgresServer;
let orders: Identity;

beforeAll(async () => {
  world = openWorld();
  database = await openPostgres({ files: await filesOf(world.authority, DATABASE), bin: programsOf('POSTGRES') });
  orders = await world.client(ORDERS, 'orders');
});
afterAll(async () => {
  await database?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
});

function clientOf(identity: Identity, config: ClientConfig = {}): Client {
  const { host, port } = database;
  const client = new Client({ stream: createPgStream(identity), host, port, user: 'orders_rw', database: 'shop', ...config });
  client.on('error', () => undefined);
  return client;
}

async function ask(identity: Identity, config?: ClientConfig, sql: string = WHO): Promise<Readonly<Record<string, unknown>>> {
  const client = clientOf(identity, config);
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(sql)).rows[0] ?? {};
  } finally {
    await client.end();
  }
}

describe('PostgreSQL knows its client', () => {
  it('by the common name, which is the first DNS name of the SVID, and maps it to a role', async () => {
    const row = await ask(orders);
    expect(row).toEqual({
      current_user: 'orders_rw',
      ssl: true,
      version: 'TLSv1.3',
      client_dn: '/O=Ephemos development/CN=orders',
      client_serial: serialOf(orders),
    });
    process.stdout.write(`pg_stat_ssl: ${JSON.stringify(row)}\n`);
    expect(database.server.log()).toContain('connection authenticated: identity="CN=orders,O=Ephemos development" method=cert');
  });

  it('with a pattern for many names', async () => {
    const reports = await world.client(REPORTS, 'reports.shop');
    expect(await ask(reports, { user: 'reports' })).toMatchObject({
      current_user: 'reports',
      client_dn: expect.stringMatching('reports.shop'),
    });
  });

  it('and gives it no role of somebody else', async () => {
    const error = await failureOf(ask(orders, { user: 'reports' }));
    expect(error).toMatchObject({ code: '28000', message: expect.stringMatching('certificate authentication failed') });
    expect(await failureOf(ask(orders, { user: 'postgres' }))).toMatchObject({ code: '28000' });
  });

  it('not at all when its SVID has no DNS name, and so no common name', async () => {
    const nameless = await world.client('spiffe://example.org/nameless');
    expect(await failureOf(ask(nameless))).toMatchObject({ code: '28000' });
  });

  it('by the whole name, where SPIRE writes a hash of the SPIFFE ID into it: then nobody else has it', async () => {
    const exact = await world.subject(ORDERS, `C=US, O=SPIRE, 2.5.4.45=${uniqueIdOf(ORDERS)}`);
    const row = await ask(exact, { database: 'ledger' });
    expect(row).toMatchObject({ current_user: 'orders_rw', client_dn: expect.stringMatching(uniqueIdOf(ORDERS).slice(0, 28)) });
    // pg_stat_ssl cuts names to 63 bytes; what is compared is the whole.
    process.stdout.write(`pg_stat_ssl: ${JSON.stringify(row)}\n`);
    const other = await world.subject(REPORTS, `C=US, O=SPIRE, 2.5.4.45=${uniqueIdOf(REPORTS)}`);
    expect(await failureOf(ask(other, { database: 'ledger' }))).toMatchObject({ code: '28000' });
  });

  it('never by its SPIFFE ID: whoever is issued the same DNS name is the same to it', async () => {
    const impostor = await world.client('spiffe://example.org/somebody/else', 'orders');
    expect(await ask(impostor)).toMatchObject({ current_user: 'orders_rw' });
  });

  it('with a password as well, bound to this connection (SCRAM-SHA-256-PLUS)', async () => {
    const config: ClientConfig = { user: 'legacy', password: 'secret', database: 'password', enableChannelBinding: true };
    expect(await ask(orders, config)).toMatchObject({ current_user: 'legacy', ssl: true });
    expect(await failureOf(ask(orders, { ...config, password: 'wrong' }))).toMatchObject({ code: '28P01' });
  });
});

describe('createPgStream on a real server', () => {
  it('says who answers', async () => {
    const client = clientOf(orders);
    await client.connect();
    const stream: unknown = Reflect.get(Reflect.get(client, 'connection'), 'stream');
    expect(peerOf(typeof stream === 'object' && stream !== null ? stream : {}).id.toString()).toBe(DATABASE);
    await client.end();
  });

  it('carries large results, parameters, errors in the middle and NOTIFY', async () => {
    const client = clientOf(orders);
    await client.connect();
    const large = await client.query<{ text: string }>("SELECT repeat('x', 4000000) AS text, generate_series(1, 5)");
    expect(large.rows.map(({ text }) => text.length)).toEqual([4e6, 4e6, 4e6, 4e6, 4e6]);
    const bytes = Buffer.alloc(3_000_000, 7);
    expect((await client.query<{ length: number }>('SELECT length($1::bytea)', [bytes])).rows).toEqual([{ length: 3_000_000 }]);
    expect(await failureOf(client.query('SELECT 1/0'))).toMatchObject({ code: '22012' });
    const heard = new Promise((resolve) => client.once('notification', ({ payload }) => resolve(payload)));
    await client.query("LISTEN news; NOTIFY news, 'hello'");
    expect(await bounded(heard, 'the notification')).toBe('hello');
    await client.end();
  });

  it('presents the SVID of the moment at every connection', async () => {
    const before = await ask(orders);
    await rotate(world, orders.source);
    const after = await ask(orders);
    expect(before['client_serial']).not.toBe(after['client_serial']);
    expect(after['client_serial']).toBe(serialOf(orders));
  });

  it('refuses the server as soon as it has another SPIFFE ID, and takes it back with the right one', async () => {
    await database.present(await filesOf(world.authority, 'spiffe://example.org/intruder'));
    const refused = await untilHolds(
      () => ask(orders).catch((error: unknown) => error),
      (answer) => answer instanceof Error,
      'the refusal',
    );
    expect(refused).toMatchObject({ code: 'ERR_PEER_UNAUTHORIZED', message: expect.stringMatching('spiffe://example.org/intruder') });
    await database.present(await filesOf(world.authority, DATABASE));
    await untilHolds(
      () => ask(orders).catch((error: unknown) => error),
      (answer) => !(answer instanceof Error),
      'the right server',
    );
  });

  it('says which identity it showed when the database refuses our certificate', async () => {
    const stranger = openWorld();
    // Its client is of another CA with the name of ours, and takes the server for the sake of the argument.
    const identity = await stranger.client(ORDERS, 'orders');
    const trusting = Object.create(identity.source, { bundles: { get: () => orders.source.bundles } });
    const error = await failureOf(ask({ source: trusting, authorize: authorizeId(DATABASE) }));
    expect(error).toMatchObject({ code: expect.stringMatching(/UNKNOWN_CA$|ECONNRESET|ERR_CONNECT_FAILED/) });
    expect([error, error instanceof Error ? error.cause : undefined]).toContainEqual(
      expect.objectContaining({ hint: expect.stringMatching(ORDERS) }),
    );
    await stranger[Symbol.asyncDispose]();
  });

  it('is the only way in: pg without it is refused, with TLS and without', async () => {
    const { host, port } = database;
    for (const ssl of [false, { rejectUnauthorized: false }]) {
      const client = new Client({ host, port, user: 'orders_rw', database: 'shop', ssl });
      client.on('error', () => undefined);
      expect(await failureOf(client.connect())).toMatchObject({ code: '28000' });
    }
  });

  it('fails at once when pg is told to do TLS too, in code, by the address or by PGSSLMODE', async () => {
    const stream = createPgStream(orders);
    for (const config of [{ ssl: true }, { connectionString: 'postgres://db/shop?sslmode=require' }]) {
      expect(() => new Client({ stream, ...config })).toThrow(expect.objectContaining({ code: 'ERR_OPTION_INVALID' }));
    }
    vi.stubEnv('PGSSLMODE', 'require');
    expect(() => new Client({ stream })).toThrow(/pg is told to do TLS itself/);
    vi.unstubAllEnvs();
  });

  it('refuses a unix socket, which has no TLS', async () => {
    const [row] = await database.ask('SHOW unix_socket_directories');
    const error = await failureOf(ask(orders, { host: String(Object.values(row ?? {})[0]) }));
    expect(error).toMatchObject({ code: 'ERR_CONNECT_FAILED', message: 'the database server offers no TLS' });
  });
});

/** The serial number of a leaf, in decimal as PostgreSQL shows it. */
function serialOf({ source }: Identity): string {
  const [leaf = new Uint8Array()] = source.svid.chain;
  return BigInt(`0x${new X509Certificate(leaf).serialNumber}`).toString();
}
