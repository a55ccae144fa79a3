// What `npm test`, `npm run demo` and `npm run check` call first: turns a bare clone into an installed, built one.
// Silent and quick when there is nothing to do. Uses nothing but Node, and syntax that an old Node can read far enough to be refused.
const oldest = [20, 19];

function refusal() {
  if (process.versions.bun !== undefined) return 'this is Bun, and Ephemos needs Node.js 20.19 or newer: run the command with npm';
  if (globalThis.Deno !== undefined) return 'this is Deno, and Ephemos needs Node.js 20.19 or newer: run the command with npm';
  if (process.platform === 'win32') return 'Windows is not supported: use WSL, Linux or macOS';
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return undefined;
  return `this is Node.js ${process.versions.node}, and Ephemos needs 20.19 or newer: https://nodejs.org`;
}

const reason = refusal();
if (reason === undefined) {
  import('./lib/prepare.js')
    .then(({ prepare }) => prepare())
    .catch((error) => {
      process.stderr.write(`setup: ${error.message}\n`);
      process.exitCode = 1;
    });
} else {
  process.stderr.write(`setup: ${reason}\n`);
  process.exitCode = 1;
}
