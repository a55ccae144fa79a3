// A PostgreSQL server with TLS: the SVID of a database, clients by their certificates, roles as pg_ident.conf says.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { createThrowaway, freePort, type Server } from './throwaway.ts';
import { type Files, ORDERS, uniqueIdOf } from './world.ts';

/** One line each: in `shop` a client is its common name, in `ledger` the whole name of its certificate. */
const HBA: string = [
  'local   all      postgres                trust',
  'hostssl shop     all       127.0.0.1/32  cert           map=spiffe',
  'hostssl ledger   all       127.0.0.1/32  cert           map=spiffe-dn clientname=DN',
  'hostssl password all       127.0.0.1/32  scram-sha-256  clientcert=verify-ca',
  '',
].join('\n');

const IDENT: string = [
  'spiffe     orders              orders_rw',
  'spiffe     /^(reports)\\.shop$  \\1',
  `spiffe-dn  "x500UniqueIdentifier=${uniqueIdOf(ORDERS)},O=SPIRE,C=US"  orders_rw`,
  '',
].join('\n');

const SCHEMA: readonly string[] = [
  'CREATE ROLE orders_rw LOGIN',
  'CREATE ROLE reports LOGIN',
  "CREATE ROLE legacy LOGIN PASSWORD 'secret'",
  'CREATE DATABASE shop',
  'CREATE DATABASE ledger',
  'CREATE DATABASE password',
];

export interface PostgresServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly server: Server;
  /** Over its unix socket, as the superuser, without TLS: to prepare and to look. */
  ask(sql: string): Promise<readonly unknown[]>;
  /** Gives it other files, as spiffe-helper does at every rotation, and lets it read them. */
  present(files: Files): Promise<void>;
}

export interface PostgresOptions {
  readonly files: Files;
  /** The folder of its programs. */
  readonly bin: string;
  /** Whether its user has to be able to reach the programs through a copy. */
  readonly copied?: boolean | undefined;
}

export async function openPostgres({ files, bin, copied = false }: PostgresOptions): Promise<PostgresServer> {
  const folder = createThrowaway('pg');
  const programs = copied ? join(folder.path, 'programs', 'bin') : bin;
  if (copied) cpSync(join(bin, '..'), join(folder.path, 'programs'), { recursive: true, verbatimSymlinks: true });
  const port = await freePort();
  const data = join(folder.path, 'data');
  folder.run(join(programs, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']);

  function write({ certificate, key, authorities }: Files): void {
    folder.write('server.crt', certificate);
    folder.write('server.key', key);
    folder.write('authorities.crt', authorities);
  }

  write(files);
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder.path,
    ssl: 'on',
    ssl_cert_file: join(folder.path, 'server.crt'),
    ssl_key_file: join(folder.path, 'server.key'),
    ssl_ca_file: join(folder.path, 'authorities.crt'),
    ssl_min_protocol_version: 'TLSv1.3',
    hba_file: folder.write('pg_hba.conf', HBA),
    ident_file: folder.write('pg_ident.conf', IDENT),
    log_connections: 'on',
    max_connections: '60',
    fsync: 'off',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = await folder.start(join(programs, 'postgres'), ['-D', data, '-p', String(port), ...args], /ready to accept connections/);

  async function ask(sql: string): Promise<readonly unknown[]> {
    const client = new Client({ host: folder.path, port, user: 'postgres', database: 'postgres' });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  for (const statement of SCHEMA) await ask(statement);
  return {
    host: '127.0.0.1',
    port,
    server,
    ask,
    async present(next) {
      write(next);
      const reloaded = server.says(/received SIGHUP, reloading configuration files/);
      server.process.kill('SIGHUP');
      await reloaded;
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** What the runner found. */
export function programsOf(name: 'POSTGRES' | 'POSTGRES_DIRECT' | 'REDIS'): string {
  const path = process.env[name];
  if (path === undefined || path === '') throw new Error(`${name} is not set: run this with npm run test:databases`);
  return path;
}
