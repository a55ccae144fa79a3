// A pool under load over several lives of an SVID: what it got done, and what failed.
import { createPgStream } from 'ephemos/pg';
import { Pool, type PoolConfig } from 'pg';
import { openPostgres, type PostgresServer, programsOf } from './postgres-server.ts';
import { DATABASE, filesOf, type Identity, openWorld, rotate, type World } from './world.ts';

export const TTL_SECONDS = 6;
/** The short form has two lives, the whole one four. */
export const LIVES: number = process.env['SHORT'] === '1' ? 2 : 4;

const RUN_MS = LIVES * TTL_SECONDS * 1000;
const WORKERS = 12;

/** A database, and a trust domain whose SVIDs live for seconds. */
export interface Place extends AsyncDisposable {
  readonly world: World;
  readonly database: PostgresServer;
  /** A pool of at most 8 clients that keeps them for ever. */
  pool(identity: Identity, config?: PoolConfig): Pool;
}

export async function openPlace(): Promise<Place> {
  const world = openWorld(TTL_SECONDS);
  const database = await openPostgres({ files: await filesOf(world.authority, DATABASE), bin: programsOf('POSTGRES') });
  return {
    world,
    database,
    pool: (identity, config) => new Pool({ ...settingsOf(database, identity), ...config }),
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

/** What a client or pool connects with. */
export function settingsOf({ host, port }: PostgresServer, identity: Identity): PoolConfig {
  return { host, port, user: 'orders_rw', database: 'shop', max: 8, idleTimeoutMillis: 0, stream: createPgStream(identity) };
}

export interface Outcome {
  readonly queries: number;
  readonly failures: readonly string[];
  readonly errors: readonly string[];
  /** How many server processes answered: one for each connection. */
  readonly connections: number;
}

/** Queries, transactions and prepared statements without a pause over several lives of an SVID, which rotates at half of it. */
export async function load(world: World, pool: Pool, identity: Identity): Promise<Outcome> {
  const backends = new Set<number>();
  const failures: string[] = [];
  const errors: string[] = [];
  let queries = 0;
  pool.on('error', (error) => errors.push(error.message));
  const until = performance.now() + RUN_MS;
  const rotation = setInterval(() => void rotate(world, identity.source), (TTL_SECONDS * 1000) / 2);

  async function once(kind: number): Promise<void> {
    const sql = "SELECT pg_backend_pid() AS pid, repeat('x', $1::int)";
    if (kind % 3 > 0) {
      const query = kind % 3 === 1 ? sql : { name: 'again', text: sql };
      const { rows } = await pool.query<{ pid: number }>(query, [kind * 500]);
      backends.add(rows[0]?.pid ?? 0);
      return;
    }
    const client = await pool.connect();
    // pg takes its own listener away while a client is in use; without one a lost connection ends the process.
    const onError = (error: Error): void => void errors.push(error.message);
    client.on('error', onError);
    try {
      await client.query('BEGIN');
      await client.query('SELECT pg_sleep(0.02)');
      await client.query('COMMIT');
    } finally {
      client.off('error', onError);
      client.release();
    }
  }

  await Promise.all(
    Array.from({ length: WORKERS }, async (_, worker) => {
      while (performance.now() < until) {
        queries += 1;
        await once(worker).catch((error: unknown) => failures.push(error instanceof Error ? error.message : String(error)));
      }
    }),
  );
  clearInterval(rotation);
  return { queries, failures, errors, connections: backends.size };
}

export function tell(name: string, { queries, failures, errors, connections }: Outcome): void {
  const why = [...new Set([...failures, ...errors])].map((text) => `, ${text}`).join('');
  const failed = `${failures.length} failed, ${errors.length} errors${why}`;
  process.stdout.write(`${name}: ${queries} units of work in ${RUN_MS / 1000} s over ${connections} connections, ${failed}\n`);
}
