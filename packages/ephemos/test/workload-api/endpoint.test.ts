import { EphemosError } from 'ephemos/errors';
import { formatEndpoint, parseEndpoint, resolveEndpoint } from 'ephemos/workload-api';
import { afterEach, describe, expect, it, vi } from 'vitest';

afterEach(() => vi.unstubAllEnvs());

function refusal(text: string): EphemosError {
  try {
    parseEndpoint(text);
  } catch (error) {
    if (error instanceof EphemosError) return error;
  }
  throw new Error(`${text} should be refused`);
}

describe('parseEndpoint', () => {
  it.each([
    ['unix:///run/agent.sock', { scheme: 'unix', path: '/run/agent.sock' }],
    ['unix:/run/agent.sock', { scheme: 'unix', path: '/run/agent.sock' }],
    ['UNIX:///run/agent.sock', { scheme: 'unix', path: '/run/agent.sock' }],
    ['unix:///run/with%20space.sock', { scheme: 'unix', path: '/run/with space.sock' }],
    [`unix:///${'a'.repeat(106)}`, { scheme: 'unix', path: `/${'a'.repeat(106)}` }],
    ['tcp://127.0.0.1:8000', { scheme: 'tcp', host: '127.0.0.1', port: 8000 }],
    ['tcp://[::1]:65535', { scheme: 'tcp', host: '::1', port: 65_535 }],
  ])('takes %s', (text, endpoint) => {
    expect(parseEndpoint(text)).toEqual(endpoint);
  });

  it.each([
    ['an empty text', ''],
    ['a path without a scheme', '/run/agent.sock'],
    ['another scheme', 'http://127.0.0.1:80'],
    ['npipe', 'npipe:spire-agent'],
    ['unix with an authority', 'unix://run/agent.sock'],
    ['unix with a relative path', 'unix:agent.sock'],
    ['unix with a query', 'unix:///run/agent.sock?a=b'],
    ['unix with a fragment', 'unix:///run/agent.sock#a'],
    ['unix with a bad percent-encoding', 'unix:///run/%zz'],
    ['unix with a NUL', 'unix:///run/%00'],
    ['unix without a path', 'unix:///'],
    ['unix with a path of 108 bytes', `unix:///${'a'.repeat(107)}`],
    ['tcp with a name', 'tcp://localhost:8000'],
    ['tcp with a path', 'tcp://127.0.0.1:8000/foo'],
    ['tcp with a trailing slash', 'tcp://127.0.0.1:8000/'],
    ['tcp with a query', 'tcp://127.0.0.1:8000?a'],
    ['tcp with userinfo', 'tcp://me@127.0.0.1:8000'],
    ['tcp without a port', 'tcp://127.0.0.1'],
    ['tcp with port 0', 'tcp://127.0.0.1:0'],
    ['tcp with port 65536', 'tcp://127.0.0.1:65536'],
    ['tcp with IPv6 without brackets', 'tcp://::1:8000'],
    ['tcp with no valid IPv4', 'tcp://999.0.0.1:8000'],
  ])('refuses %s', (_what, text) => {
    expect(refusal(text).code).toBe('ERR_ENDPOINT_INVALID');
  });

  it('says how to write a path that lacks its scheme, and a unix address that lacks a slash', () => {
    expect(refusal('/run/agent.sock').hint).toBe('write unix:///run/agent.sock');
    expect(refusal('unix://run/agent.sock').hint).toContain('unix:///run/agent.sock');
  });

  it('formats what it parsed', () => {
    for (const text of ['unix:///run/with%20space.sock', 'tcp://127.0.0.1:8000', 'tcp://[::1]:1']) {
      expect(formatEndpoint(parseEndpoint(text))).toBe(text);
    }
  });
});

describe('resolveEndpoint', () => {
  it('takes the argument before SPIFFE_ENDPOINT_SOCKET', () => {
    vi.stubEnv('SPIFFE_ENDPOINT_SOCKET', 'unix:///from/variable');
    expect(resolveEndpoint('unix:///from/code')).toEqual({ scheme: 'unix', path: '/from/code' });
    expect(resolveEndpoint()).toEqual({ scheme: 'unix', path: '/from/variable' });
  });

  it.each([undefined, ''])('says that SPIFFE_ENDPOINT_SOCKET is missing when it is %j, and guesses no path', (value) => {
    vi.stubEnv('SPIFFE_ENDPOINT_SOCKET', value);
    expect(() => resolveEndpoint()).toThrow(expect.objectContaining({ code: 'ERR_ENDPOINT_MISSING' }));
  });
});
