// `npm run test:adapters`: each framework against real processes. `-- --short` leaves out what only repeats another one; `-- express ws` takes those.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** One server of requests, one of calls, one that upgrades, and the client that most people have. */
const short = ['express', 'grpc', 'ws', 'undici', 'readme'];

const { values, positionals } = parseArgs({ allowPositionals: true, options: { short: { type: 'boolean', default: false } } });
const frameworks = values.short ? short : positionals;

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const config = fileURLToPath(new URL('../vitest.config.ts', import.meta.url));
const child = spawn(process.execPath, [vitest, 'run', '--config', config, ...frameworks.map((name) => `test/${name}.`)], {
  stdio: 'inherit',
});
child.on('close', (code) => {
  process.exitCode = code ?? 1;
});
