// Everything that a restore could touch -> one text: every file below some folders with its mode and SHA-256, and all that is in the database.
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** @param {string | Buffer} bytes */
export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/**
 * @param {import('../deployment/open-deployment.js').RunningDeployment} running
 * @param {readonly string[]} folders
 * @returns {Promise<string>}
 */
export async function fingerprint({ database }, folders) {
  const files = folders.flatMap(filesOf).map((path) => `${path} ${stateOf(path)}`);
  return [...files, `database ${database === undefined ? 'a file' : await databaseOf(database)}`].join('\n');
}

/** @param {string} folder @returns {string[]} */
function filesOf(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? [path, ...filesOf(path)] : [path];
  });
}

/** @param {string} path */
function stateOf(path) {
  const stat = lstatSync(path);
  const mode = stat.mode.toString(8);
  if (stat.isSymbolicLink()) return `${mode} -> ${readlinkSync(path)}`;
  return stat.isFile() ? `${mode} ${stat.ino} ${sha256(readFileSync(path))}` : mode;
}

/**
 * Every relation with its owner and its file, and every row of every table.
 * @param {import('../deployment/open-deployment.js').Database} database
 */
async function databaseOf({ postgres }) {
  const relations = await postgres.ask(
    "SELECT relname, relkind, relowner, relfilenode FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY relname",
  );
  const tables = relations.split('\n').flatMap((line) => {
    const [name = '', kind] = line.split('|');
    return kind === 'r' ? [name] : [];
  });
  const rows = tables.map(
    (table) => `SELECT '${table}', count(*), md5(string_agg(row::text, ' ' ORDER BY row::text)) FROM public.${table} row`,
  );
  return sha256(relations + (rows.length === 0 ? '' : await postgres.ask(rows.join(' UNION ALL '))));
}
