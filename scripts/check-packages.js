// Packs each public package as `npm publish` would and checks the tarball: its files, publint, and are-the-types-wrong (ESM only).
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { npmCommand, run } from './lib/command.js';
import { head, isMain, reportProblems } from './lib/output.js';
import { entryPoints, publicPackages, root } from './lib/workspace.js';

const allowed = /^(package\.json|README\.md|LICENSE|NOTICE|CHANGELOG\.md|config\.schema\.json|dist\/.*\.(js|d\.ts)(\.map)?)$/;

/** Problems of what is in the tarball and what is not. */
function* fileProblems(pkg, files) {
  for (const path of files) if (!allowed.test(path)) yield `${pkg.path}: the package would contain ${path}`;
  const wanted = [
    'README.md',
    'LICENSE',
    ...entryPoints(pkg).map(({ target }) => target.slice(pkg.dir.length + 1)),
    ...Object.values(pkg.json.bin ?? {}).map((path) => path.replace('./', '')),
  ];
  for (const path of wanted) if (!files.includes(path)) yield `${pkg.path}: the package would lack ${path}`;
}

async function attwProblem(pkg, tarball) {
  if (entryPoints(pkg).length === 0) return undefined;
  const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js');
  const { code, output } = await run(
    process.execPath,
    [attw, tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-color', '--no-emoji'],
    { cwd: root },
  );
  return code === 0 ? undefined : `${pkg.path}: are-the-types-wrong:\n${head(output, 60)}`;
}

/** Every problem of the packages of the checkout `base`. */
export async function checkPackages(base = root) {
  const problems = [];
  const folder = mkdtempSync(join(tmpdir(), 'ephemos-pack-'));
  const [npm, ...npmArgs] = npmCommand();
  const packages = publicPackages(base);
  try {
    for (const pkg of packages) {
      const packed = await run(npm, [...npmArgs, 'pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: pkg.dir });
      if (packed.code !== 0) {
        problems.push(`${pkg.path}: npm pack failed\n${head(packed.output)}`);
        continue;
      }
      const [{ filename, files }] = Object.values(JSON.parse(packed.stdout));
      problems.push(
        ...fileProblems(
          pkg,
          files.map(({ path }) => path),
        ),
      );
      const tarball = readFileSync(join(folder, filename));
      const { messages, pkg: json } = await publint({
        pack: { tarball: tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.length) },
        strict: true,
      });
      for (const message of messages)
        if (message.type !== 'suggestion') problems.push(`${pkg.path}: publint: ${formatMessage(message, json, { color: false })}`);
      const wrong = await attwProblem(pkg, join(folder, filename));
      if (wrong !== undefined) problems.push(wrong);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { problems, count: packages.length };
}

if (isMain(import.meta.url)) {
  const { problems, count } = await checkPackages(process.argv[2] === undefined ? root : resolve(process.argv[2]));
  reportProblems('packages', problems, `${count} packages`);
}
