// How the tests run: against the TypeScript sources, in forked processes, without retries (a test that fails now and then is a bug).
import { defineConfig } from 'vitest/config';
import { entryPoints, workspacePackages } from './scripts/lib/workspace.js';

const alias = workspacePackages()
  .flatMap((pkg) => entryPoints(pkg))
  .map(({ specifier, source }) => ({ find: new RegExp(`^${specifier}$`), replacement: source }));

const fuzzRuns = Number(process.env['EPHEMOS_FUZZ_RUNS'] ?? 0);

export default defineConfig({
  resolve: { alias },
  // Node 20 and 22 do not know `await using`.
  oxc: { target: 'es2023' },
  test: {
    pool: 'forks',
    // Most of the time is spent waiting for sockets and timers, not computing.
    maxWorkers: 3,
    environment: 'node',
    retry: 0,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    teardownTimeout: 10_000,
    unstubEnvs: true,
    projects: [
      {
        extends: true,
        // Files that run in one process share what they import, a third of the work; so none may leave anything of itself in a module or the process.
        test: { name: 'core', include: ['packages/ephemos/test/**/*.test.ts'], isolate: false },
      },
      {
        extends: true,
        test: { name: 'unit', include: ['packages/{service,dev,cli}/test/**/*.test.ts', 'examples/*/test/**/*.test.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'fuzz',
          include: ['packages/*/test/**/*.fuzz.ts', 'examples/*/test/**/*.fuzz.ts'],
          setupFiles: ['scripts/lib/fuzz-runs.ts'],
          // 10 ms a run at the least, for the long run.
          testTimeout: Math.max(60_000, fuzzRuns * 10),
        },
      },
      {
        extends: true,
        test: { name: 'scripts', include: ['scripts/test/**/*.test.js'], testTimeout: 60_000 },
      },
    ],
  },
});
