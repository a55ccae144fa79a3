// A deployment on PostgreSQL in; what its administrator runs and adds to pg_hba.conf out.
import type { PostgresStore, Spire } from './spire.ts';

/** Connections beyond those of the servers: a dump, and a look with psql. */
const SPARE_CONNECTIONS = 4;

/** Renders the statements that make the role and the database. */
export function databaseSql({ servers }: Spire, { database, user, variable, connections }: PostgresStore): string {
  const limit = servers.reduce((sum, { replicas }) => sum + replicas, 0) * connections + SPARE_CONNECTIONS;
  return `-- The role and the database of SPIRE, with what SPIRE needs and nothing else. Rendered from spire.yaml: change that and render again.
-- Run it once as a superuser, with psql 14 or later: psql -f postgres.sql
-- The password is taken from ${variable} in the environment, so that it stands in no list of processes and in no file.
\\set ON_ERROR_STOP on
\\getenv password ${variable}
-- It must not get into the log of the database either.
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET password_encryption = 'scram-sha-256';
CREATE ROLE ${user} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT ${limit} PASSWORD :'password';

CREATE DATABASE ${database} ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE ${database} FROM PUBLIC;
GRANT CONNECT ON DATABASE ${database} TO ${user};

\\connect ${database}
-- SPIRE makes its tables itself, and changes them when it is updated. The database stays its administrator's.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO ${user};
`;
}

/** Renders the lines of pg_hba.conf. */
export function databaseHba({ database, user, sources }: PostgresStore): string {
  const rows = [
    ...sources.map((source) => ['hostssl', database, user, source, 'scram-sha-256']),
    ['host', database, 'all', 'all', 'reject'],
    ['host', 'all', user, 'all', 'reject'],
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return `# For pg_hba.conf of the database, in front of every line that says more of them: SPIRE over TLS from its servers, and nobody else.
# Rendered from spire.yaml: change that and render again.
${rows
  .map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  .join('\n')}
`;
}
