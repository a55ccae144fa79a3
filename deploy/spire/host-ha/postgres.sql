-- The role and the database of SPIRE, with what SPIRE needs and nothing else. Rendered from spire.yaml: change that and render again.
-- Run it once as a superuser, with psql 14 or later: psql -f postgres.sql
-- The password is taken from SPIRE_DATABASE_PASSWORD in the environment, so that it stands in no list of processes and in no file.
\set ON_ERROR_STOP on
\getenv password SPIRE_DATABASE_PASSWORD
-- It must not get into the log of the database either.
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET password_encryption = 'scram-sha-256';
CREATE ROLE spire LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 84 PASSWORD :'password';

CREATE DATABASE spire ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE spire FROM PUBLIC;
GRANT CONNECT ON DATABASE spire TO spire;

\connect spire
-- SPIRE makes its tables itself, and changes them when it is updated. The database stays its administrator's.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO spire;
