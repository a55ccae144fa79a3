// Configuration files for one test, removed when it is over.
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type LoadOptions, loadConfig } from '../../src/config/load-config.ts';
import { ConfigError } from '../../src/config/problem.ts';

/** The least that a configuration says. */
export const minimal = 'service:\n  name: web\n  domain: acme.com\n';

/** An empty directory. */
export function temporaryDirectory(): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'ephemos-config-')));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A file `config.yaml` of its own. */
export function configFile(text: string | Uint8Array): string {
  const path = join(temporaryDirectory(), 'config.yaml');
  writeFileSync(path, text);
  return path;
}

/** What is refused in a configuration that must be refused. */
export function refusalOf(options: LoadOptions): ConfigError {
  try {
    loadConfig({ env: {}, ...options });
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the configuration was taken');
}
