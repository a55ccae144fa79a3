// A node of this machine in; the two images that the Dockerfile starts from, made from scratch and laid out like the ones that it names, out.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from './command.js';

/** What the commands of the Dockerfile take, besides node and npm. */
const buildTools = ['sh', 'env', 'find', 'rm', 'chmod', 'touch'];
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/**
 * @param {import('./builder.js').Builder} builder
 * @param {{ store: string, node: string }} options
 */
export async function makeBases(builder, { store, node }) {
  const folder = join(store, 'base');
  layRuntime(folder, node);
  await commit(
    builder,
    folder,
    'FROM scratch\nCOPY . /\nENV PATH=/nodejs/bin:/usr/bin:/bin\nENTRYPOINT ["/nodejs/bin/node"]\n',
    builder.bases.run,
  );
  layTools(folder);
  await commit(builder, folder, 'FROM scratch\nCOPY . /\nENV PATH=/bin\n', builder.bases.build);
  rmSync(folder, { recursive: true });
}

/**
 * @param {import('./builder.js').Builder} builder
 * @param {string} folder
 * @param {string} text
 * @param {string} tag
 */
async function commit(builder, folder, text, tag) {
  const file = `${folder}.Dockerfile`;
  writeFileSync(file, text);
  await run([...builder.command, '--quiet', '--file', file, '--tag', tag, folder]);
}

/**
 * @param {string} folder
 * @param {string} node
 */
function layRuntime(folder, node) {
  for (const each of ['tmp', 'etc', 'root', 'home/nonroot']) mkdirSync(join(folder, each), { recursive: true });
  chmodSync(join(folder, 'tmp'), 0o1777);
  writeFileSync(
    join(folder, 'etc/passwd'),
    'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n',
  );
  writeFileSync(join(folder, 'etc/group'), 'root:x:0:\nnonroot:x:65532:\n');
  layProgram(folder, node, '/nodejs/bin/node');
}

/** @param {string} folder */
function layTools(folder) {
  for (const name of buildTools) layProgram(folder, which(name), `/bin/${name}`);
  const modules = '/usr/lib/node_modules';
  const npm = join(execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim(), 'npm');
  cpSync(npm, join(folder, modules, 'npm'), { recursive: true });
  mkdirSync(join(folder, 'usr/bin'), { recursive: true });
  symlinkSync('/bin/env', join(folder, 'usr/bin/env'));
  symlinkSync('/nodejs/bin/node', join(folder, 'bin/node'));
  symlinkSync(`${modules}/npm/bin/npm-cli.js`, join(folder, 'bin/npm'));
  if (existsSync(CERTIFICATES)) lay(folder, CERTIFICATES, CERTIFICATES);
}

/** @param {string} name */
function which(name) {
  return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
}

/**
 * With the libraries that it loads.
 * @param {string} folder
 * @param {string} from
 * @param {string} to
 */
function layProgram(folder, from, to) {
  lay(folder, from, to);
  for (const [, library = ''] of execFileSync('ldd', [from], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g)) lay(folder, library, library);
}

/**
 * @param {string} folder
 * @param {string} from
 * @param {string} to
 */
function lay(folder, from, to) {
  mkdirSync(dirname(join(folder, to)), { recursive: true });
  cpSync(realpathSync(from), join(folder, to));
}
