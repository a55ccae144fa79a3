// A PostgreSQL for one deployment: its own cluster in a folder, as a user who may do nothing else, on loopback over TLS, prepared with the files that
// were rendered for its administrator.
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sign } from './certificates.js';
import { createDaemon } from './daemon.js';

/**
 * @typedef {object} RunningPostgres
 * @property {string} version
 * @property {import('./daemon.js').Daemon} daemon
 * @property {(name: string, args: readonly string[]) => Promise<string>} run a program of PostgreSQL as the superuser, over its unix socket
 * @property {(statement: string) => Promise<string>} ask as the superuser, over its unix socket; rows without decoration
 * @property {(options: { sslmode: string, statement: string }) => Promise<{ code: number | null, said: string }>} askAsSpire over the network
 * @property {import('./programs.js').Found} found its programs
 * @property {() => Promise<void>} destroy ends it, and deletes all that it had
 * @property {() => Promise<void>} renew after that: starts an empty one, prepared like the first
 */

/** @param {string} flag */
const idOf = (flag) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));

/**
 * @param {object} options
 * @param {string} options.folder that other users may search
 * @param {import('./programs.js').Found} options.found
 * @param {import('../process.js').Programs} options.programs
 * @param {import('../../../packages/cli/dist/deploy/spire/spire.js').PostgresStore} options.store
 * @param {{ sql: string, hba: string }} options.rendered
 * @param {string} options.password of SPIRE's role
 * @returns {Promise<RunningPostgres>}
 */
export async function openPostgres({ folder, found, programs, store, rendered, password }) {
  const owner = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {};
  const home = join(folder, 'postgres');
  mkdirSync(home, { mode: 0o700 });
  /** @param {string} name @param {string} text */
  const write = (name, text) => {
    const path = join(home, name);
    writeFileSync(path, text, { mode: 0o600 });
    if (owner.uid !== undefined) chownSync(path, owner.uid, owner.gid);
    return path;
  };
  if (owner.uid !== undefined) chownSync(home, owner.uid, owner.gid);
  const authority = await sign('database authority', { pathLength: 0 });
  const certificate = await sign('database', { issuer: authority, dns: store.host });
  writeFileSync(store.roots, authority.certificate, { mode: 0o600 });

  const data = join(home, 'data');
  // psql looks for a certificate in the home of its user.
  const env = { ...found.env, HOME: home };
  const run = { cwd: home, env, ...owner };
  /** @param {string} name @param {readonly string[]} args @param {NodeJS.ProcessEnv} [more] */
  const must = async (name, args, more = {}) => {
    const { code, stdout, stderr } = await programs.run(name, join(found.folder, name), args, { ...run, env: { ...env, ...more } });
    if (code !== 0) throw new Error(`${name} ended with ${code}: ${`${stdout}${stderr}`.trim().split('\n').slice(-2).join('; ')}`);
    return stdout;
  };
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: home,
    ssl: 'on',
    ssl_cert_file: write('server.crt', certificate.certificate),
    ssl_key_file: write('server.key', certificate.key),
    ssl_min_protocol_version: 'TLSv1.3',
    hba_file: write('pg_hba.conf', `local all postgres trust\n${rendered.hba}`),
    max_connections: String(store.limit),
    log_statement: 'all',
    fsync: 'off',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  /** @type {((ready: true) => void) | undefined} */
  let seen;
  const daemon = createDaemon(
    () =>
      programs.start('postgres', join(found.folder, 'postgres'), ['-D', data, '-p', String(store.port), ...args], {
        ...run,
        onErrorLine: (line) => {
          if (line.includes('ready to accept connections')) seen?.(true);
        },
      }),
    async (server) => {
      const ready = new Promise((resolve) => {
        seen = resolve;
      });
      const ended = server.exited.then(({ code }) => {
        throw new Error(`postgres ended with ${code}: ${server.stderr().trim().split('\n').slice(-2).join('; ')}`);
      });
      await Promise.race([ready, ended]);
    },
  );
  const local = ['-h', home, '-p', String(store.port), '-U', 'postgres', '-X', '-q'];
  const renew = async () => {
    await must('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']);
    chmodSync(data, 0o700);
    await daemon.start();
    await must('psql', [...local, '-d', 'postgres', '-f', write('postgres.sql', rendered.sql)], { [store.variable]: password });
    if (daemon.program().stderr().includes(password)) throw new Error('the password of the role is in the log of the database');
  };
  await renew();

  return {
    version: (await must('postgres', ['--version'])).trim(),
    daemon,
    found,
    destroy: async () => {
      await daemon.program().stop({ signal: 'SIGINT' });
      rmSync(data, { recursive: true });
    },
    renew,
    run: (name, args) => must(name, [...local.slice(0, 6), ...args]),
    ask: async (statement) => (await must('psql', [...local, '-d', store.database, '-A', '-t', '-c', statement])).trim(),
    askAsSpire: async ({ sslmode, statement }) => {
      const roots = write('roots.pem', authority.certificate);
      const where = `host=${store.host} port=${store.port} dbname=${store.database} user=${store.user} sslmode=${sslmode} sslrootcert=${roots}`;
      const { code, stdout, stderr } = await programs.run(
        'psql',
        join(found.folder, 'psql'),
        ['-X', '-A', '-t', '-d', where, '-c', statement],
        {
          ...run,
          env: { ...env, PGPASSWORD: password },
        },
      );
      return { code, said: `${stdout}${stderr}`.trim().split('\n').join('; ') };
    },
  };
}
