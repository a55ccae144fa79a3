// The order of the house (docs: README, flow table), as data: who may import whom, and what each layer may touch.
// A folder of packages/ephemos/src is a layer; a file directly in it is an entry point. A layer imports itself and what stands before it.

/** The layers, first to last. `node`: Node modules. `packages`: third-party packages. `process`: members of `process` (none by default). */
export const layers = {
  errors: {},
  observe: { node: ['diagnostics_channel'] },
  spiffe: { node: ['crypto'] },
  'workload-api': {
    node: ['events', 'fs', 'http2', 'net', 'timers', 'timers/promises'],
    packages: ['@bufbuild/protobuf', '@connectrpc/connect', '@connectrpc/connect-node'],
    process: ['env', 'geteuid', 'platform'],
  },
  source: { node: ['events', 'timers', 'timers/promises'], process: ['emitWarning'] },
  authorize: {},
  tls: {
    node: ['crypto', 'events', 'net', 'stream', 'timers', 'timers/promises', 'tls'],
    process: ['emitWarning', 'nextTick', 'versions'],
  },
  http: {
    node: ['async_hooks', 'events', 'http', 'http2', 'https', 'net', 'stream', 'timers', 'timers/promises', 'tls', 'url'],
    packages: ['undici'],
    process: ['emitWarning', 'nextTick', 'versions'],
    network: true,
  },
  databases: { node: ['net', 'stream', 'timers', 'tls'], packages: ['ioredis'] },
  federation: { node: ['crypto', 'http', 'https', 'timers', 'timers/promises', 'tls'], network: true },
};

/** The entry points come after every layer and may import any of them, but no other entry point than errors.ts. */
export const entryPointRule = {
  node: ['crypto', 'events', 'http', 'http2', 'https', 'net', 'stream', 'timers', 'timers/promises', 'tls', 'url'],
  packages: {
    'connect.ts': ['@connectrpc/connect'],
    'grpc.ts': ['@grpc/grpc-js'],
    'undici.ts': ['undici'],
  },
  process: ['emitWarning', 'nextTick', 'versions'],
  network: true,
};

/**
 * Across packages: `imports` are the workspace packages it may import. Only the command prints, reads argv and exits; a service ends the process that
 * it was given to own, in src/lifecycle/own-process.ts.
 */
export const packages = {
  ephemos: { imports: [] },
  '@ephemos/service': { imports: ['ephemos'], process: ['env', 'exit', 'off', 'on', 'stderr', 'versions'] },
  '@ephemos/dev': {
    imports: ['ephemos'],
    process: ['emitWarning', 'getegid', 'geteuid', 'getgid', 'getuid', 'nextTick', 'pid', 'platform'],
  },
  '@ephemos/cli': { imports: ['ephemos', '@ephemos/service', '@ephemos/dev'], prints: true },
};

/** Folders that nothing imports. What is in them may import the public packages by name, and the scripts. */
export const leaves = ['examples', 'deploy', 'e2e', 'interop', 'bench', 'docs'];

/**
 * The exceptions: what a folder may import by path. The interop suite runs its peers on the SPIRE that the e2e suite installs and
 * starts; the benchmarks time parts of the library that are not public; the e2e suite starts what the command renders.
 */
export const leafImports = { interop: ['e2e'], bench: ['packages/ephemos'], e2e: ['packages/cli'] };
