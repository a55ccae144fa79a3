// The examples as programs, with the identity that the development agent gives them.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type DevAgent, openDevAgent } from '@ephemos/dev';
import { openX509Source } from 'ephemos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bounded, untilHolds } from './events.ts';
import { openPostgres, type PostgresServer, programsOf } from './postgres-server.ts';
import { openRedis, type RedisServer } from './redis-server.ts';
import { DATABASE, type Files, filesOfSource, ORDERS, REPORTS } from './world.ts';

const folder = fileURLToPath(new URL('..', import.meta.url));

let agent: DevAgent;
let postgres: PostgresServer;
let redis: RedisServer;
beforeAll(async () => {
  agent = await openDevAgent({ trustDomain: 'example.org', identities: [{ id: ORDERS, dnsNames: ['orders'] }] });
  const files = await filesFor(DATABASE);
  postgres = await openPostgres({ files, bin: programsOf('POSTGRES') });
  redis = await openRedis({ files, program: programsOf('REDIS') });
});
afterAll(async () => {
  await redis?.[Symbol.asyncDispose]();
  await postgres?.[Symbol.asyncDispose]();
  await agent?.close();
});

async function filesFor(id: string): Promise<Files> {
  await using source = await openX509Source({ endpoint: await agent.endpointFor(id) });
  return filesOfSource(source);
}

interface Exit {
  readonly code: number | null;
  readonly output: string;
}

async function run(id: string, file: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Exit> {
  const child = spawn(process.execPath, [file, ...args], {
    cwd: folder,
    env: { ...process.env, ...environment, SPIFFE_ENDPOINT_SOCKET: await agent.endpointFor(id) },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += String(chunk);
    });
  }
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  try {
    return { code: await bounded(closed, `the end of ${file}`, 30_000), output };
  } finally {
    child.kill('SIGKILL');
  }
}

const runPostgres = (id: string): Promise<Exit> =>
  run(id, 'postgres.js', [], { PGHOST: postgres.host, PGPORT: String(postgres.port), PGSSLMODE: '' });

const runRedis = (id: string, environment?: Readonly<Record<string, string>>): Promise<Exit> =>
  run(id, 'redis.js', [redis.host, String(redis.port)], environment);

describe('examples/databases/postgres.js', () => {
  it('is orders_rw to the database', async () => {
    const { code, output } = await runPostgres(ORDERS);
    expect(output).toBe('orders_rw over TLSv1.3 as /O=Ephemos development/CN=orders\n');
    expect(code).toBe(0);
  });

  it('is nobody to it with another identity', async () => {
    const { code, output } = await runPostgres(REPORTS);
    expect(output).toContain('certificate authentication failed for user "orders_rw"');
    expect(code).toBe(1);
  });

  it('refuses a database with another SPIFFE ID', async () => {
    await postgres.present(await filesFor('spiffe://example.org/intruder'));
    const { code, output } = await untilHolds(
      () => runPostgres(ORDERS),
      (exit) => exit.code === 1,
      'the refusal',
    );
    expect(output).toContain("code: 'ERR_PEER_UNAUTHORIZED'");
    expect(code).toBe(1);
  });
});

describe('examples/databases/redis.js', () => {
  it('counts as the default user, and as a user with a password', async () => {
    expect(await runRedis(ORDERS)).toEqual({ code: 0, output: 'visit 1 of the default user\n' });
    const environment = { REDIS_USER: 'reports', REDIS_PASSWORD: 'secret' };
    expect(await runRedis(REPORTS, environment)).toEqual({ code: 0, output: 'visit 2 of reports\n' });
  });

  it('refuses a server with another SPIFFE ID', async () => {
    await redis.present(await filesFor('spiffe://example.org/intruder'));
    const { code, output } = await runRedis(ORDERS);
    expect(output).toContain('ERR_PEER_UNAUTHORIZED: the authorizer does not admit spiffe://example.org/intruder');
    expect(code).toBe(1);
  });
});
