// What the image holds and says, that the checks of it can fail, and that building it again gives the same bytes.
import { strict as assert } from 'node:assert';
import { chmodSync, lstatSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { labels } from './builder.js';
import { run } from './command.js';
import { difference, faultyFiles, installedPackages, listedPackages, productionPackages } from './contents.js';

/** @typedef {import('./inside.js').Case} Case */

/** What is process 1 of the image, and its health check with one word more. */
export const PROGRAM = ['/nodejs/bin/node', '/app/examples/echo/dist/echo-server.js'];

/**
 * @param {import('./containers.js').Runtime} runtime
 * @param {string} image
 */
const inspect = async (runtime, image) => JSON.parse(await runtime.call('image', 'inspect', image))[0];

/**
 * @param {{ runtime: import('./containers.js').Runtime, context: string, image: string, base: string }} options
 * @returns {readonly Case[]}
 */
export function contentCases({ runtime, context, image, base }) {
  return [
    [
      'settings',
      async () => {
        const { Config, Healthcheck, Size } = await inspect(runtime, image);
        assert.equal(Config.User, '65532:65532');
        assert.deepEqual(Config.Entrypoint, PROGRAM, 'a shell would be process 1, and take SIGTERM');
        assert.deepEqual(Config.Cmd, ['serve']);
        assert.deepEqual(Healthcheck.Test, ['CMD', ...PROGRAM, 'health']);
        assert.ok(Config.Env.includes('NODE_OPTIONS=--max-old-space-size=160'), String(Config.Env));
        const prefix = 'org.opencontainers.image.';
        for (const [name, value] of Object.entries(labels)) assert.equal(Config.Labels[`${prefix}${name.toLowerCase()}`], value);
        for (const name of ['title', 'description', 'licenses', 'base.name']) assert.ok(Config.Labels[`${prefix}${name}`], name);
        const { Size: baseSize } = await inspect(runtime, base);
        return `${mebibytes(Size)}, of which ${mebibytes(Size - baseSize)} on top of the base`;
      },
    ],
    [
      'contents',
      async () => {
        const wanted = productionPackages(context, 'examples/echo');
        const app = join(await runtime.mount(), 'app');
        checkContents(app, wanted);
        return `${wanted.size} packages, installed and in sbom.cdx.json: those of the lock file that production needs, and no other`;
      },
    ],
  ];
}

/**
 * @param {string} app
 * @param {ReadonlySet<string>} wanted
 */
function checkContents(app, wanted) {
  assert.deepEqual(difference(wanted, installedPackages(join(app, 'node_modules'))), [], 'installed packages');
  assert.deepEqual(difference(wanted, listedPackages(join(app, 'sbom.cdx.json'))), [], 'packages in the SBOM');
  assert.deepEqual(faultyFiles(app), [], 'files');
}

/**
 * A slip in the Dockerfile has to be found. Each is tried on a copy of the files of the image, which takes no build.
 * @param {{ runtime: import('./containers.js').Runtime, store: string, context: string }} options
 * @returns {readonly Case[]}
 */
export function mutationCases({ runtime, store, context }) {
  const app = join(store, 'slip');
  /** What is added, by what it is. */
  const slips = {
    'a package of development': () => layPackage(app, '@ephemos/dev', '0.1.0'),
    'a compiler': () => layPackage(app, 'typescript', '7.0.2'),
    'a package that is not in the SBOM': () => layPackage(app, 'left-pad', '1.3.0'),
    'a key': () => layFile(app, 'ca.pem', 0o600),
    'a file for everybody to write': () => layFile(app, 'open.js', 0o666),
  };
  return [
    [
      'slips in the contents are found',
      async () => {
        const wanted = productionPackages(context, 'examples/echo');
        await run(['cp', '--archive', join(await runtime.mount(), 'app'), app]);
        for (const [name, slip] of Object.entries(slips)) {
          checkContents(app, wanted);
          const added = slip();
          assert.throws(() => checkContents(app, wanted), { code: 'ERR_ASSERTION' }, name);
          rmSync(added, { recursive: true });
        }
        rmSync(app, { recursive: true });
        return Object.keys(slips).join(', ');
      },
    ],
  ];
}

/**
 * @param {string} app
 * @param {string} name
 * @param {string} version
 */
function layPackage(app, name, version) {
  const folder = join(app, 'node_modules', name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version }));
  return folder;
}

/**
 * @param {string} app
 * @param {string} name
 * @param {number} mode
 */
function layFile(app, name, mode) {
  const path = join(app, name);
  writeFileSync(path, '');
  chmodSync(path, mode);
  return path;
}

/**
 * The image once more, from another checkout of the same sources; resolves with its name, or what went wrong.
 * @param {{ builder: import('./builder.js').Builder, store: string, image: string }} options
 * @returns {Promise<string | Error>}
 */
export async function buildAgain({ builder, store, image }) {
  try {
    const context = join(store, 'elsewhere');
    await run(['cp', '-r', join(store, 'repository'), context]);
    disturb(context);
    await builder.build(context, `${image}-again`);
    return `${image}-again`;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/**
 * @param {{ runtime: import('./containers.js').Runtime, builder: import('./builder.js').Builder, image: string, again: Promise<string | Error> }} options
 * @returns {Case}
 */
export function reproducibleCase({ runtime, builder, image, again }) {
  return [
    'reproducible',
    async () => {
      const name = await again;
      if (name instanceof Error) throw name;
      const [first, second] = [await inspect(runtime, image), await inspect(runtime, name)];
      assert.deepEqual(second.RootFS.Layers, first.RootFS.Layers, 'the layers differ');
      // In Docker's format buildah notes the random name of its working container. The OCI format has no room for that, nor for HEALTHCHECK.
      const digests = [await builder.digest(image), await builder.digest(name)];
      assert.equal(digests[1], digests[0], 'the manifests or configurations differ');
      return `built again in another folder, with other times and modes: ${digests[0]} both times`;
    },
  ];
}

/**
 * Another checkout of the same: other times and modes, and what a developer has lying about. None of it may reach the image.
 * @param {string} context
 */
function disturb(context) {
  const before = new Date(1_500_000_000_000);
  for (const name of readdirSync(context, { recursive: true, encoding: 'utf8' })) {
    const path = join(context, name);
    const stats = lstatSync(path);
    if (stats.isFile()) chmodSync(path, 0o600);
    if (!stats.isSymbolicLink()) utimesSync(path, before, before);
  }
  for (const folder of ['packages/ephemos/dist', 'examples/echo/dist', 'packages/service/node_modules/left-pad']) {
    mkdirSync(join(context, folder), { recursive: true });
    writeFileSync(join(context, folder, 'decoy.js'), '');
  }
  writeFileSync(join(context, 'packages/ephemos/.env'), 'SECRET=1\n');
}

/** @param {number} bytes */
const mebibytes = (bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
