// The suite of the adapters: every example in a process of its own, so on the built packages; the tests themselves run on the sources.
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
    include: ['test/**/*.adapter.ts'],
    pool: 'forks',
    // Each of them starts two or three processes more.
    maxWorkers: 2,
    environment: 'node',
    retry: 0,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
  },
});
