// `npm run check [-- PART...]`: runs every check to its end, prints each one's name, seconds and verdict, and fails if one of them failed.
import { join } from 'node:path';
import { run } from './lib/command.js';
import { secondsSince } from './lib/output.js';
import { root } from './lib/workspace.js';

const biome = (...args) => [
  'node_modules/@biomejs/biome/bin/biome',
  ...args,
  '--error-on-warnings',
  '--max-diagnostics=200',
  '--reporter=concise',
  '--colors=off',
  '.',
];

/** Each part is one or more node scripts with their arguments. */
const parts = {
  format: [biome('check', '--linter-enabled=false')],
  lint: [
    biome('lint'),
    ['node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings', '--report-unused-disable-directives', '--format=unix', '.'],
  ],
  types: [
    ['node_modules/typescript/bin/tsc', '-b', '--pretty', 'false'],
    ['node_modules/typescript/bin/tsc', '-p', 'e2e/tsconfig.json', '--pretty', 'false'],
  ],
  layers: [['scripts/check-layers.js']],
  exports: [['scripts/check-exports.js']],
  packages: [['scripts/check-packages.js']],
  errors: [['scripts/render-errors.js', '--check']],
  'config-schema': [['scripts/render-config-schema.js', '--check']],
  'service-docs': [['scripts/render-service-docs.js', '--check']],
  deploy: [['scripts/render-deploy.js', '--check']],
  'scale-docs': [['e2e/spire/scale/render.js', '--check']],
  monitoring: [['scripts/render-monitoring.js', '--check']],
  'deployment-docs': [['scripts/render-deployment-docs.js', '--check']],
  'tuning-docs': [['bench/tuning/render.js', '--check']],
  docs: [['scripts/check-docs.js']],
};

const limitMs = 300_000;
const wanted = process.argv.slice(2);
for (const name of wanted.filter((each) => !(each in parts))) {
  process.stderr.write(`check: there is no part '${name}'; the parts are ${Object.keys(parts).join(', ')}\n`);
  process.exit(2);
}

const failed = [];
for (const [name, commands] of Object.entries(parts).filter(([each]) => wanted.length === 0 || wanted.includes(each))) {
  const start = performance.now();
  const runs = [];
  for (const [script, ...args] of commands)
    runs.push(await run(process.execPath, [join(root, script), ...args], { cwd: root, timeoutMs: limitMs }));
  const bad = runs.filter(({ code }) => code !== 0);
  if (bad.length > 0) failed.push(name);
  process.stdout.write(`${name.padEnd(10)} ${secondsSince(start).padStart(8)}  ${bad.length === 0 ? 'ok' : 'failed'}\n`);
  for (const { output } of bad) process.stdout.write(`${output.trimEnd().replace(/^/gm, '    ')}\n`);
}
process.stdout.write(failed.length === 0 ? 'check: all ok\n' : `check: failed: ${failed.join(', ')}\n`);
if (failed.length > 0) process.exitCode = 1;
