import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ephemos, type Finished } from '../support/ephemos.ts';

const fit = 'service:\n  name: orders\n  domain: prod.acme.com\n  authorized_clients: [spiffe://prod.acme.com/web]\n';
const findings = fit.replaceAll('prod.acme.com', 'example.org');
const nobody = 'service:\n  name: orders\n  domain: prod.acme.com\n';

function directoryWith(files: Readonly<Record<string, string>>): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'eph-')));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

function validate(config: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
  return ephemos(['config', 'validate', 'config.yaml', ...args], { cwd: directoryWith({ 'config.yaml': config }), env });
}

describe('ephemos config validate', () => {
  it('says in one line that a configuration is valid, and for whom', async () => {
    expect(await validate(fit)).toEqual({
      code: 0,
      signal: null,
      stdout: 'valid  config.yaml, for spiffe://prod.acme.com/orders\n',
      stderr: '',
    });
  });

  it('looks where the service would when no file is named', async () => {
    const path = join(directoryWith({ 'other.yaml': fit }), 'other.yaml');
    expect(await ephemos(['config', 'validate'], { env: { EPHEMOS_CONFIG_PATH: path } })).toMatchObject({
      code: 0,
      stdout: `valid  ${path}, for spiffe://prod.acme.com/orders\n`,
    });
  });

  it('needs no file with --env-only', async () => {
    const env = {
      EPHEMOS_SERVICE_NAME: 'orders',
      EPHEMOS_TRUST_DOMAIN: 'prod.acme.com',
      EPHEMOS_AUTHORIZED_CLIENTS: 'spiffe://prod.acme.com/web',
    };
    expect(await ephemos(['config', 'validate', '--env-only'], { env })).toMatchObject({
      code: 0,
      stdout: 'valid  the environment, for spiffe://prod.acme.com/orders\n',
    });
  });

  it('refuses a file together with --env-only as usage', async () => {
    expect(await validate(fit, ['--env-only'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'error: there is no file with --env-only\nhint: leave out the file, or --env-only\n',
    });
  });

  it('shows every problem of the file, of the policy and of the variables, in this order, and counts them', async () => {
    const config = `${nobody}logs:\n  levl: info\nlimits:\n  max_handshakes: many\npolicy:\n  file: policy.yaml\n`;
    const policy = 'rules:\n  - name: read\n    id: web\n    http: { route: orders }\n';
    const cwd = directoryWith({ 'config.yaml': config, 'policy.yaml': policy });
    const { code, stdout } = await ephemos(['config', 'validate', 'config.yaml'], { cwd, env: { EPHEMOS_LOGS_AUDIT_SAMPLE: '2' } });
    expect(code).toBe(3);
    expect(stdout.split('\n').filter((line) => !line.startsWith('  hint: '))).toEqual([
      'config.yaml:5:3: logs.levl: there is no such key',
      'config.yaml:7:19: limits.max_handshakes: expected a whole number from 1 to 100000, and found "many"',
      expect.stringMatching(/^policy\.yaml:3:5: rules\[0\]\.id: /),
      expect.stringMatching(/^policy\.yaml:4:13: rules\[0\]\.http\.route: /),
      'EPHEMOS_LOGS_AUDIT_SAMPLE: expected a number from 0 to 1, and found the number 2',
      '',
      '5 problems',
      '',
    ]);
  });

  it('counts the problems that nobody would read', async () => {
    const ids = Array.from({ length: 300 }, (_, index) => `    - id${index}\n`).join('');
    const { stdout } = await validate(`${nobody}  authorized_clients:\n${ids}`);
    expect(stdout).toMatch(/\nand 100 more problems\n\n300 problems\n$/);
  });

  it('shows no control characters of a file', async () => {
    const { code, stdout } = await validate(`${nobody}"a\\e[31mb": 1\n`);
    expect(code).toBe(3);
    expect(stdout).not.toContain('\u001b');
  });
});

describe('the exit code of ephemos config validate', () => {
  it.each<[what: string, config: string, args: string, code: number, last: string]>([
    ['a fit configuration', fit, '--production --strict', 0, '; fit for production'],
    ['findings that nobody asked for', findings, '--strict', 0, ''],
    ['findings', findings, '--production', 1, '; 1 finding against production'],
    ['findings, and --strict', findings, '--production --strict', 5, '; 1 finding against production'],
    ['a warning', nobody, '', 0, '; 1 warning'],
    ['a warning, and --strict', nobody, '--strict', 5, '; 1 warning'],
    ['a warning in a fit configuration', nobody, '--production', 0, '; 1 warning; fit for production'],
  ])('with %s', async (_, config, args, code, last) => {
    const end = await validate(config, args === '' ? [] : args.split(' '));
    const summary = end.stdout.trimEnd().split('\n').at(-1);
    expect(summary).toMatch(/^valid {2}config\.yaml, for spiffe:\/\/\S+\/orders(;|$)/);
    expect(summary?.endsWith(last)).toBe(true);
    expect({ code: end.code, stderr: end.stderr }).toEqual({ code, stderr: '' });
  });

  it('with problems is 3, whatever else was asked', async () => {
    const config = `${nobody}x: 1\n`;
    for (const args of [[], ['--production'], ['--strict'], ['--production', '--strict', '--print']]) {
      expect((await validate(config, args)).code).toBe(3);
    }
  });
});

describe('ephemos config validate tells of what is valid', () => {
  it('each finding with its mend and its stable name', async () => {
    const { stdout } = await validate(findings, ['--production'], { NODE_TLS_REJECT_UNAUTHORIZED: '0' });
    expect(stdout).toContain(
      'finding: the trust domain example.org belongs to documentation (RFC 2606) (trust-domain.reserved)\n  hint: set service.domain',
    );
    expect(stdout).toContain('finding: NODE_TLS_REJECT_UNAUTHORIZED=0 turns verification off');
  });

  it('that nobody may connect, unless that is written', async () => {
    expect((await validate(nobody)).stdout).toMatch(/^warning: neither service\.authorized_clients nor policy is there, .*\n {2}hint: /);
    expect((await validate(`${nobody}policy: { rules: [] }\n`)).stdout).toMatch(/^valid/);
  });

  it('with --print every value and where it was set', async () => {
    const config = `${nobody}logs:\n  level: warn\npolicy:\n  rules:\n    - { name: all, trust_domain: prod.acme.com }\n`;
    const env = { EPHEMOS_LIMITS_MAX_CONNECTIONS: '5', SPIFFE_ENDPOINT_SOCKET: 'unix:///run/agent.sock' };
    const { stdout } = await validate(config, ['--print'], env);
    const rows = stdout.split('\n').map((line) => line.split(/ {2,}/));
    expect(rows).toContainEqual(['service.name', 'orders', 'config.yaml:2']);
    expect(rows).toContainEqual(['service.spiffe_id', 'spiffe://prod.acme.com/orders', 'default']);
    expect(rows).toContainEqual(['service.authorized_clients', 'not set']);
    expect(rows).toContainEqual(['agent.socketPath', 'unix:///run/agent.sock', 'SPIFFE_ENDPOINT_SOCKET']);
    expect(rows).toContainEqual(['limits.max_connections', '5', 'EPHEMOS_LIMITS_MAX_CONNECTIONS']);
    expect(rows).toContainEqual(['logs.level', 'warn', 'config.yaml:5']);
    expect(rows).toContainEqual(['policy.rules', '1 rule', 'config.yaml:7']);
  });
});

describe('ephemos config validate --format json is one document', () => {
  it('of a valid configuration', async () => {
    const { stdout, code } = await validate(findings, ['--format', 'json', '--production', '--print']);
    expect(code).toBe(1);
    const document: unknown = JSON.parse(stdout);
    expect(document).toEqual({
      valid: true,
      id: 'spiffe://example.org/orders',
      problems: [],
      problemCount: 0,
      warnings: [],
      production: {
        fit: false,
        findings: [{ id: 'trust-domain.reserved', message: expect.any(String), hint: expect.any(String) }],
      },
      settings: expect.arrayContaining([
        { key: 'service.name', value: 'orders', file: 'config.yaml', line: 2, column: 3, variable: null },
        { key: 'listen.address', value: ':8443', file: null, line: null, column: null, variable: null },
        { key: 'policy.file', value: null, file: null, line: null, column: null, variable: null },
      ]),
      exitCode: 1,
    });
  });

  it('of one that is not valid, on standard output too', async () => {
    const { stdout, stderr, code } = await validate(`${nobody}logs:\n  levl: info\n`, ['--format', 'json'], { EPHEMOS_NO_SUCH: '1' });
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
    const document: unknown = JSON.parse(stdout);
    expect(document).toEqual({
      valid: false,
      id: null,
      problems: [
        {
          file: 'config.yaml',
          line: 5,
          column: 3,
          variable: null,
          key: 'logs.levl',
          message: 'there is no such key',
          hint: 'did you mean level?',
        },
        {
          file: null,
          line: null,
          column: null,
          variable: 'EPHEMOS_NO_SUCH',
          key: '',
          message: 'there is no such variable',
          hint: expect.any(String),
        },
      ],
      problemCount: 2,
      warnings: [],
      production: null,
      exitCode: 3,
    });
  });
});
