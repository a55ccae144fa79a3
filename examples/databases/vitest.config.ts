// The suite of the databases: real servers, each in a folder of its own under the temporary one; the tests themselves run on the sources.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { entryPoints, workspacePackages } from '../../scripts/lib/workspace.js';

const alias = workspacePackages()
  .flatMap((pkg) => entryPoints(pkg))
  .map(({ specifier, source }) => ({ find: new RegExp(`^${specifier}$`), replacement: source }));

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  resolve: { alias },
  // Node 20 and 22 do not know `await using`.
  oxc: { target: 'es2023' },
  test: {
    include: ['test/**/*.database.ts'],
    pool: 'forks',
    maxWorkers: 2,
    environment: 'node',
    retry: 0,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
});
