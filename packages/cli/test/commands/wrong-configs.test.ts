// Wrong configurations as whoever deploys them meets them: files and variables in, what the command and a service say of them out.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { openDirectory } from '../support/directory.ts';
import { ephemos, main, type RunOptions } from '../support/ephemos.ts';

const service = 'service:\n  name: orders\n  domain: acme.com\n';
const rule = (text: string) => `${service}policy:\n  rules:\n    - ${text.replaceAll('\n', '\n      ')}\n`;
const token = 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';
const asRoot = process.getuid?.() === 0;
// Root may read everything, so another user runs that case: where this Node.js and this checkout are open to one.
const nobody = 65_534;
const nobodyRuns = asRoot && spawnSync(process.execPath, [main, '--version'], { uid: nobody }).status === 0;

interface Wrong {
  readonly what: string;
  /** What stands in config.yaml, or makes it. */
  readonly config?: string | Uint8Array | ((path: string) => void);
  readonly policy?: string;
  readonly args?: readonly string[];
  readonly run?: RunOptions;
  readonly line: string;
  readonly hint: string;
}

const wrong: readonly Wrong[] = [
  // The file itself.
  { what: 'no file', line: 'config.yaml: there is no such file', hint: 'name another file with EPHEMOS_CONFIG_PATH' },
  { what: 'an empty file', config: '', line: 'config.yaml: the file is empty', hint: 'name another file with EPHEMOS_CONFIG_PATH' },
  {
    what: 'a directory',
    config: (path) => mkdirSync(path),
    line: 'config.yaml: this is a directory',
    hint: 'name the file in it, as in config.yaml/config.yaml',
  },
  ...(asRoot && !nobodyRuns ? [] : [unreadable()]),
  {
    what: 'a pipe',
    config: (path) => void spawnSync('mkfifo', [path]),
    line: 'config.yaml: this is not a regular file',
    hint: 'name another file with EPHEMOS_CONFIG_PATH',
  },
  {
    what: 'a link to itself',
    config: (path) => symlinkSync(path, path),
    line: 'config.yaml: the file cannot be read (ELOOP)',
    hint: 'name another file with EPHEMOS_CONFIG_PATH',
  },
  {
    what: 'a huge file',
    config: `${service}#${' '.repeat(1024 * 1024)}\n`,
    line: 'config.yaml: the file is larger than 1 MiB',
    hint: 'name another file with EPHEMOS_CONFIG_PATH',
  },
  {
    what: 'UTF-16',
    config: Buffer.from(`\ufeff${service}`, 'utf16le'),
    line: 'config.yaml:1:1: this is UTF-16',
    hint: 'save it as UTF-8',
  },
  // Its form.
  {
    what: 'a tab',
    config: 'service:\n\tname: orders\n',
    line: 'config.yaml:2:1: a tab is not allowed as indentation',
    hint: 'indent with spaces',
  },
  {
    what: 'a duplicate key',
    config: `${service}logs:\n  level: info\n  level: warn\n`,
    line: 'config.yaml:6:3: logs.level: this key is there twice',
    hint: 'remove one of the two',
  },
  {
    what: 'two documents',
    config: `${service}---\n${service}`,
    line: 'config.yaml:4:1: there is more than one document in this file',
    hint: 'keep one, and no "---" after it',
  },
  {
    what: 'an alias bomb',
    config: `a: &a [1,1,1,1,1,1,1,1,1]\n${Array.from('bcdefgh', (name, index) => `${name}: &${name} [${`*${'abcdefg'[index]},`.repeat(9)}]\n`).join('')}`,
    line: 'config.yaml:2:8: the aliases stand for more than 100 copies',
    hint: 'write the values out',
  },
  // Its keys.
  {
    what: 'a mistyped key',
    config: `${service}limits:\n  max_conections: 5\n`,
    line: 'config.yaml:5:3: limits.max_conections: there is no such key',
    hint: 'did you mean max_connections?',
  },
  {
    what: 'a key in the wrong section',
    config: `${service}drain_delay: 5s\n`,
    line: 'config.yaml:4:1: drain_delay: there is no such key',
    hint: 'did you mean shutdown.drain_delay?',
  },
  {
    what: 'a key that is missing',
    config: 'service:\n  name: orders\n',
    line: 'config.yaml:1:1: service.domain: this key is missing',
    hint: 'add it, or set EPHEMOS_TRUST_DOMAIN',
  },
  {
    what: 'a duration without a unit',
    config: `${service}shutdown:\n  deadline: 20\n`,
    line: 'config.yaml:5:13: shutdown.deadline: expected a duration such as "30s", and found the number 20',
    hint: 'write "20s"',
  },
  {
    what: 'a variable that nobody filled in',
    config: `service:\n  name: $${'{SERVICE_NAME}'}\n  domain: acme.com\n`,
    line: `config.yaml:2:9: service.name: the placeholder "$${'{SERVICE_NAME}'}" was not filled in`,
    hint: 'nothing is expanded here: write the value, or set the variable of this key',
  },
  {
    what: 'a token',
    config: `service:\n  name: ${token}\n  domain: acme.com\n`,
    line: 'config.yaml:2:9: service.name: this looks like a key, a token, a certificate or a password, and none belongs in a configuration',
    hint: 'remove it: identities come from the Workload API',
  },
  {
    what: 'two listeners on one port',
    config: `${service}metrics:\n  address: :8443\n`,
    line: 'config.yaml:5:12: metrics.address: ":8443" is taken by listen.address',
    hint: 'give it a port of its own',
  },
  {
    what: 'a drain that is longer than the pod lives',
    config: `${service}shutdown:\n  deadline: 25s\n  grace_period: 30s\n`,
    line: 'config.yaml:6:17: shutdown.grace_period: drain_delay + deadline (5s + 25s) must be less than grace_period (30s)',
    hint: 'the process would be killed while it drains: shorten them, or give the pod more time',
  },
  {
    what: 'a wild card among the clients',
    config: `${service}  authorized_clients:\n    - spiffe://acme.com/*\n`,
    line: 'config.yaml:5:7: service.authorized_clients[0]: a SPIFFE ID has no wild cards',
    hint: 'write a rule with id_prefix or trust_domain below policy.rules',
  },
  {
    what: 'clients beside a policy',
    config: `${service}  authorized_clients: [spiffe://acme.com/web]\npolicy:\n  rules: []\n`,
    line: 'config.yaml:4:23: service.authorized_clients: these may connect to everything, whatever policy says',
    hint: 'keep policy and give each of them a rule',
  },
  // Its policy.
  {
    what: 'a file and rules',
    config: `${service}policy:\n  file: policy.yaml\n  rules: []\n`,
    policy: 'rules: []\n',
    line: 'config.yaml:5:9: policy.file: a policy has a file or rules',
    hint: 'remove one of the two',
  },
  {
    what: 'a route without a slash',
    config: rule('name: read\nid: spiffe://acme.com/web\nhttp: { method: GET, route: orders }'),
    line: 'config.yaml:8:28: policy.rules[0].http.route: a route starts with "/"',
    hint: 'write "/orders"',
  },
  {
    what: 'an id that is none',
    config: rule('name: read\nid: web'),
    line: 'config.yaml:7:7: policy.rules[0].id: a SPIFFE ID starts with "spiffe://"',
    hint: 'write it as "spiffe://<trust domain>/<path>"',
  },
  {
    what: 'a wild card as id',
    config: rule('name: read\nid: spiffe://acme.com/*'),
    line: 'config.yaml:7:7: policy.rules[0].id: an id is one whole SPIFFE ID',
    hint: 'write id_prefix for all IDs below a path that ends in "/"',
  },
  {
    what: 'an unknown key in a rule',
    config: rule('name: read\nid: spiffe://acme.com/web\nmethods: [GET]'),
    line: 'config.yaml:8:7: policy.rules[0].methods: unknown key "methods"',
    hint: 'the keys are name, id, id_prefix, trust_domain, http, grpc',
  },
  {
    what: 'a rule for nobody',
    config: rule('name: read\nhttp: { method: GET }'),
    line: 'config.yaml:6:7: policy.rules[0]: a rule names its peers',
    hint: 'add one of id, id_prefix, trust_domain',
  },
  {
    what: 'a prefix that ends within a name',
    config: rule('name: read\nid_prefix: spiffe://acme.com/ns/pay'),
    line: 'config.yaml:7:7: policy.rules[0].id_prefix: an id_prefix ends in "/"',
    hint: 'write "spiffe://acme.com/ns/pay/", or id for one ID',
  },
  {
    what: 'a rule of a file of rules',
    config: `${service}policy:\n  file: policy.yaml\n`,
    policy: 'rules:\n  - name: read\n    id: spiffe://acme.com/web\n    grpc: { service: orders.v1.Orders }\n',
    line: 'policy.yaml:4:5: rules[0].grpc.method: grpc names its methods',
    hint: 'write "*" for all of them',
  },
  {
    what: 'a file of rules that is not there',
    config: `${service}policy:\n  file: policy.yaml\n`,
    line: 'policy.yaml: there is no such file',
    hint: 'policy.file names it; a relative path starts at the directory of the configuration',
  },
  // Variables.
  {
    what: 'a bad value of a variable',
    config: service,
    run: { env: { EPHEMOS_LOG_LEVEL: 'inf' } },
    line: 'EPHEMOS_LOG_LEVEL: expected one of trace, debug, info, warn, error, fatal, silent, and found "inf"',
    hint: 'did you mean "info"?',
  },
  {
    what: 'a mistyped variable',
    config: service,
    run: { env: { EPHEMOS_LOGLEVEL: 'info' } },
    line: 'EPHEMOS_LOGLEVEL: there is no such variable',
    hint: 'did you mean EPHEMOS_LOG_LEVEL?',
  },
  {
    what: 'an empty EPHEMOS_CONFIG_PATH',
    args: [],
    run: { env: { EPHEMOS_CONFIG_PATH: '' } },
    line: 'EPHEMOS_CONFIG_PATH: this variable is empty',
    hint: 'unset it, or give it the path of a file',
  },
  {
    what: 'a socket without a scheme',
    config: service,
    run: { env: { SPIFFE_ENDPOINT_SOCKET: 'run/agent.sock' } },
    line: 'SPIFFE_ENDPOINT_SOCKET: expected an absolute path or an endpoint, and found "run/agent.sock"',
    hint: 'write it as "/path" or "unix:///path"',
  },
  {
    what: 'no file and not enough variables',
    args: ['--env-only'],
    run: { env: { EPHEMOS_SERVICE_NAME: 'orders' } },
    line: 'EPHEMOS_TRUST_DOMAIN: this variable is not set',
    hint: 'set it, or write a file',
  },
];

interface Place {
  readonly directory: string;
  readonly run: RunOptions;
}

async function place({ config, policy, run }: Wrong, { onTestFinished }: TestContext): Promise<Place> {
  const temporary = await openDirectory();
  onTestFinished(() => temporary[Symbol.asyncDispose]());
  const directory = realpathSync(temporary.path);
  const path = join(directory, 'config.yaml');
  if (typeof config === 'function') config(path);
  else if (config !== undefined) writeFileSync(path, config);
  if (policy !== undefined) writeFileSync(join(directory, 'policy.yaml'), policy);
  return { directory, run: { ...run, cwd: directory } };
}

function unreadable(): Wrong {
  return {
    what: 'a file that may not be read',
    config(path) {
      writeFileSync(path, service);
      chmodSync(path, 0);
      chmodSync(dirname(path), 0o755);
    },
    run: asRoot ? { uid: nobody } : {},
    line: 'config.yaml: this process may not read the file',
    hint: 'give its user read access, and search access to every directory above',
  };
}

describe('ephemos config validate refuses, with the place first and the mend below, and ends with 3:', () => {
  it.concurrent.for(wrong)('$what', async (each, context) => {
    const { run } = await place(each, context);
    const { code, stdout, stderr } = await ephemos(['config', 'validate', ...(each.args ?? ['config.yaml'])], run);
    const [line, hint] = stdout.split('\n');
    expect({ line, hint }).toEqual({ line: each.line, hint: `  hint: ${each.hint}` });
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
    expect(stdout).not.toContain('    at ');
    expect(stdout).not.toContain(token);
  });
});

describe('a service does not start, says the place and the mend in one line, and ends with 3:', () => {
  const entry = new URL('../../../service/dist/index.js', import.meta.url).href;

  it.concurrent.for(wrong)('$what', async (each, context) => {
    const { directory, run } = await place(each, context);
    const program = join(directory, 'service.mjs');
    const options = each.args?.includes('--env-only') === true ? '{ path: false }' : '';
    writeFileSync(program, `import { openService } from '${entry}';\nawait openService(${options});\n`);
    const { code, stdout, stderr } = await ephemos([], { ...run, main: program, env: { EPHEMOS_CONFIG_PATH: 'config.yaml', ...run.env } });
    const [line = '', ...hints] = stderr.trimEnd().replaceAll(`${directory}/`, '').split('\n');
    expect(line.replace(/ \(and \d+ more\)$/, '')).toBe(`error: ${each.line}; ${each.hint}`);
    expect(hints).toEqual(line.endsWith(' more)') ? ['hint: "ephemos config validate" lists them all'] : []);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).not.toContain(token);
  });
});
