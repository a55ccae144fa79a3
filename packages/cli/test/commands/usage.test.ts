import { describe, expect, it } from 'vitest';
import { ephemos } from '../support/ephemos.ts';

describe('bad input is one line that names it, and a hint', () => {
  it.each<[args: string, code: number, error: string, hint: string]>([
    ['whomi', 2, 'unknown command "whomi"', 'did you mean "ephemos whoami"?'],
    ['quatsch', 2, 'unknown command "quatsch"', 'see "ephemos --help"; there are whoami, watch, verify, '],
    ['config vaildate', 2, 'unknown command "vaildate"', 'did you mean "ephemos config validate"?'],
    ['policy explian', 2, 'unknown command "explian"', 'did you mean "ephemos policy explain"?'],
    ['config validate --prodcution', 2, "unknown option '--prodcution'", 'did you mean --production?'],
    ['health --address 9080', 2, "argument '9080' is invalid", 'write host:port'],
    ['health --address a:1 --config c.yaml', 2, 'only one of --address and --config can say where to ask', 'leave out one of them'],
    ['health --check readiness', 2, "argument 'readiness' is invalid", 'allowed choices are live, ready, startup'],
    ['health --config /nowhere/config.yaml', 3, '/nowhere/config.yaml', 'mend it, or give the address with --address'],
    ['top --metrics http://a:1/metrics', 2, "'http://a:1/metrics' is invalid", 'alone: a:1'],
    ['top --interval 1ms', 2, "argument '1ms' is invalid", 'it is at least 100ms'],
    ['dev rotat', 2, 'unknown command "rotat"', 'did you mean "ephemos dev rotate"?'],
    ['whoami --frmat json', 2, "unknown option '--frmat'", 'did you mean --format?'],
    ['whoami --format yaml', 2, "option '--format <format>' argument 'yaml' is invalid", 'allowed choices are text, json'],
    ['whoami --timeout 10', 2, "option '--timeout <duration>' argument '10' is invalid", 'give it a unit, as in 10s'],
    ['whoami --timeout 1e3s', 2, "argument '1e3s' is invalid", 'write a duration such as 500ms, 10s, 5m or 1h30m'],
    ['whoami --timeout 0s', 2, "argument '0s' is invalid", 'it must be longer than zero'],
    ['whoami --timeout 40d', 2, "argument '40d' is invalid", 'it is at most 24d'],
    ['whoami more', 2, "too many arguments for 'whoami'", 'see "ephemos whoami --help"'],
    ['verify', 2, "missing required argument 'host:port'", 'see "ephemos verify --help"'],
    ['verify a:1', 2, 'nothing says who the peer must be', 'give --id <SPIFFE ID>, --member-of <trust domain>, or --any'],
    ['verify a:1 --any --member-of example.org', 2, 'only one of --id, --member-of and --any can hold', 'give --id'],
    ['verify https://orders:8443/x --any', 2, "'https://orders:8443/x' is invalid for argument 'host:port'", 'alone: orders:8443'],
    ['verify orders --any', 2, "'orders' is invalid", 'write host:port'],
    ['verify a:1 --any --alpn h2,', 2, "argument 'h2,' is invalid", 'commas between them'],
    [
      'verify a:1 --id spiffe://Example.org/web',
      3,
      '--id "spiffe://Example.org/web": a trust domain is written',
      'write "spiffe://example.org/web"',
    ],
    ['verify a:1 --id example.org/web', 3, '--id "example.org/web": a SPIFFE ID starts with "spiffe://"', 'write it as'],
    ['verify a:1 --member-of example.org/', 3, '--member-of "example.org/": a trust domain has no path', 'give the name alone'],
    ['dev --trust-domain Example.org', 3, '--trust-domain "Example.org": a trust domain is written in lower case', 'write "example.org"'],
    ['dev --id spiffe://example.org/', 3, '--id "spiffe://example.org/": a path has no trailing "/"', 'remove the last "/"'],
    ['dev --id', 2, "option '--id <spiffe id>' argument missing", 'see "ephemos dev --help"'],
    ['dev exec -- true', 2, "required option '--as <spiffe id>' not specified", 'see "ephemos dev exec --help"'],
    ['dev exec --as spiffe://example.org/web', 2, "missing required argument 'command'", 'see "ephemos dev exec --help"'],
    ['whoami', 3, 'SPIFFE_ENDPOINT_SOCKET is not set', 'set SPIFFE_ENDPOINT_SOCKET'],
    ['watch', 3, 'SPIFFE_ENDPOINT_SOCKET is not set', 'set SPIFFE_ENDPOINT_SOCKET'],
    ['verify a:1 --any', 3, 'SPIFFE_ENDPOINT_SOCKET is not set', 'set SPIFFE_ENDPOINT_SOCKET'],
    ['whoami --socket /run/agent.sock', 3, 'the Workload API endpoint "/run/agent.sock" has no scheme', 'write unix:///run/agent.sock'],
    ['whoami --socket unix:///nowhere/agent.sock', 3, 'connect ENOENT /nowhere/agent.sock', 'nothing is at unix:///nowhere/agent.sock'],
    ['watch --socket unix:///nowhere/agent.sock', 3, 'connect ENOENT /nowhere/agent.sock', 'nothing is at unix:///nowhere/agent.sock'],
    ['dev list --directory /nowhere', 1, 'no development agent runs in /nowhere', 'start one with "ephemos dev"'],
  ])('ephemos %s', async (args, code, error, hint) => {
    const end = await ephemos(args.split(' '));
    const [first, second, ...rest] = end.stderr.split('\n');
    expect(first).toMatch(/^error: [^A-Z]/);
    expect(first).toContain(error);
    expect(second).toContain(hint);
    expect(second).toMatch(/^hint: /);
    expect(rest).toEqual(['']);
    expect(end).toMatchObject({ code, stdout: '' });
  });

  it('is one document with --format json', async () => {
    const config = await ephemos(['whoami', '--socket', 'ftp://x', '--format', 'json']);
    expect(config.code).toBe(3);
    expect(JSON.parse(config.stderr)).toEqual({
      error: { code: 'ERR_ENDPOINT_INVALID', message: expect.stringContaining('ftp'), hint: null },
      exitCode: 3,
    });
    const usage = await ephemos(['whoami', '--format=json', '--tiemout', '3s']);
    expect(JSON.parse(usage.stderr)).toEqual({
      error: { code: 'ERR_USAGE_INVALID', message: "unknown option '--tiemout'", hint: 'did you mean --timeout?' },
      exitCode: 2,
    });
  });

  it('shows where it happened only when EPHEMOS_DEBUG asks', async () => {
    const plain = await ephemos(['whoami', '--socket', 'unix:///nowhere/agent.sock'], { env: { EPHEMOS_DEBUG: '0' } });
    const debug = await ephemos(['whoami', '--socket', 'unix:///nowhere/agent.sock'], { env: { EPHEMOS_DEBUG: '1' } });
    expect(plain.stderr).not.toContain('    at ');
    expect(debug.stderr).toContain('    at ');
    expect(debug.code).toBe(3);
  });

  it('does not reach the terminal as control characters', async () => {
    const { stderr } = await ephemos(['\u001b[31mred']);
    expect(stderr).not.toContain('\u001b');
  });
});

describe('help', () => {
  it.each([
    '',
    'whoami',
    'watch',
    'verify',
    'health',
    'top',
    'config',
    'config validate',
    'policy',
    'policy explain',
    'dev',
    'dev exec',
    'dev list',
    'dev rotate',
    'dev withdraw',
    'dev restore',
  ])('of "ephemos %s" has an example, --format where there is output, and the exit codes', async (path) => {
    const words = path === '' ? [] : path.split(' ');
    const { code, stdout, stderr } = await ephemos([...words, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`Usage: ephemos ${path}`);
    expect(stdout).toMatch(/\nExamples:\n {2}\$ ephemos/);
    expect(stdout).toMatch(/\nExit codes:\n {2}0 .*\n {2}1 .*\n {2}2 .*\n {2}3 .*\n {2}4 /);
    if (!['', 'config', 'policy'].includes(path)) expect(stdout).toContain('--format <format>');
  });

  it('is shown on standard error, with exit code 2, when no command is given', async () => {
    const { code, stdout, stderr } = await ephemos([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: ephemos');
  });

  it('has a version beside it', async () => {
    expect(await ephemos(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});
