// The suite itself, in namespaces of its own: builds the image, runs its cases one after the other, prints a line and a figure for each.
import { execFileSync } from 'node:child_process';
import { mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeBases } from './bases.js';
import { createBuilder } from './builder.js';
import { buildAgain, contentCases, mutationCases, reproducibleCase } from './cases-image.js';
import { memoryCases } from './cases-memory.js';
import { runCases } from './cases-run.js';
import { createRuntime } from './containers.js';
import { openWorld } from './world.js';

/** Named as the compose file of `ephemos deploy init` names it. */
const IMAGE = 'localhost/ephemos-echo:0.1.0';

/** @type {{ store: string, node: string, short: boolean, run: number }} */
const { store, node, short, run } = JSON.parse(process.argv[2] ?? '');
// Whoever started this is gone, and so is the one who would tidy up: the namespaces end with this process.
process.stdin.on('end', () => process.exit(1)).resume();

/** @typedef {readonly [name: string, body: () => Promise<string>]} Case a case resolves with its figure */

let passed = 0;
let failed = 0;

/** @param {Iterable<Case>} cases */
async function runAll(cases) {
  for (const [name, body] of cases) {
    const began = performance.now();
    const seconds = () => `${((performance.now() - began) / 1000).toFixed(1)} s`;
    try {
      const figure = await body();
      passed += 1;
      console.log(`  ok   ${name}: ${figure} (${seconds()})`);
    } catch (error) {
      failed += 1;
      console.log(`  FAIL ${name} (${seconds()}): ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

// Some of the programs leave files where they are started.
process.chdir(join(store, 'tmp'));
const etc = join(store, 'etc');
mkdirSync(etc);
const policy = join(etc, 'policy.json');
writeFileSync(policy, '{ "default": [{ "type": "insecureAcceptAnything" }] }\n');
writeFileSync(join(etc, 'registries.conf'), 'unqualified-search-registries = []\n');
// No file of this machine's own set-up of containers is read, and none of its images is seen or changed.
process.env['CONTAINERS_REGISTRIES_CONF'] = join(etc, 'registries.conf');
process.env['TMPDIR'] = join(store, 'tmp');
const storage = ['--root', join(store, 'images'), '--runroot', join(store, 'run'), '--storage-driver', 'overlay'];
const builder = createBuilder({ store, storage, policy });
const runtime = createRuntime([...storage, '--tmpdir', join(store, 'libpod')], IMAGE);
const context = builder.copyRepository('repository');

await runAll([
  [
    'bases',
    async () => {
      await makeBases(builder, { store, node });
      return `made from scratch with Node.js ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()}, the major version of the default base`;
    },
  ],
  [
    'build',
    async () => {
      await builder.build(context, IMAGE);
      return `${IMAGE} by buildah from deploy/docker/Dockerfile`;
    },
  ],
]);
if (failed === 0) {
  await runAll(contentCases({ runtime, context, image: IMAGE, base: builder.bases.run }));
  await runAll(mutationCases({ runtime, store, context }));
  // Built while the cases run, most of which wait.
  const again = buildAgain({ builder, store, image: IMAGE });
  const world = await openWorld({ store, runtime });
  await runAll(runCases({ runtime, world }));
  await runAll(memoryCases({ runtime, world, calls: short ? 500 : 10_000, run }));
  await world.close();
  await runAll([reproducibleCase({ runtime, builder, image: IMAGE, again })]);
}
const { bsize, blocks, bfree } = statfsSync(store);
console.log(
  `${short ? 'short form; ' : ''}${(((blocks - bfree) * bsize) / 1024 / 1024).toFixed(0)} MiB of memory held images and containers`,
);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 2 ? 0 : 1);
