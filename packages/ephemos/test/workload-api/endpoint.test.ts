import { EphemosError } from 'ephemos/errors';
import { formatEndpoint, parseEndpoint, resolveEndpoint } from 'ephemos/workload-api';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MAX_SOCKET_PATH_BYTES } from '../../src/workload-api/endpoint.ts';

afterEach(() => vi.unstubAllEnvs());

function refusal(text: string): EphemosError {
  try {
    parseEndpoint(text);
  } catch (error) {
    if (error instanceof EphemosError) return error;
  }
  throw new Error(`${text} should be refused`);
}

const pathOf = (bytes: number): string => `/${'a'.repeat(bytes - 1)}`;

describe('parseEndpoint', () => {
  it.each([
    ['unix:///run/agent.sock', { scheme: 'unix', path: '/run/agent.sock' }],
    ['unix:/run/agent.sock', { scheme: 'unix', path: '/run/agent.sock' }],
    ['UNIX:///run/agent.sock', { scheme: 'unix', path: '/run/agent.sock' }],
    ['unix:///run/with%20space.sock', { scheme: 'unix', path: '/run/with space.sock' }],
    ['unix:///run/%3F%23%25', { scheme: 'unix', path: '/run/?#%' }],
    ['unix:///run/%C3%A9.sock', { scheme: 'unix', path: '/run/é.sock' }],
    ['unix:///run/a:b@c.sock', { scheme: 'unix', path: '/run/a:b@c.sock' }],
    [`unix://${pathOf(MAX_SOCKET_PATH_BYTES)}`, { scheme: 'unix', path: pathOf(MAX_SOCKET_PATH_BYTES) }],
    ['tcp://127.0.0.1:8000', { scheme: 'tcp', host: '127.0.0.1', port: 8000 }],
    ['TCP://127.0.0.1:1', { scheme: 'tcp', host: '127.0.0.1', port: 1 }],
    ['tcp://[::1]:65535', { scheme: 'tcp', host: '::1', port: 65_535 }],
    ['tcp://[::ffff:127.0.0.1]:80', { scheme: 'tcp', host: '::ffff:127.0.0.1', port: 80 }],
  ])('takes %s', (text, endpoint) => {
    expect(parseEndpoint(text)).toEqual(endpoint);
  });

  it.each([
    ['an empty text', ''],
    ['a path without a scheme', '/run/agent.sock'],
    ['another scheme', 'http://127.0.0.1:80'],
    ['npipe', 'npipe:spire-agent'],
    ['a scheme alone', 'unix:'],
    ['a scheme with a space before it', ' unix:///run/agent.sock'],
    ['unix with an authority', 'unix://run/agent.sock'],
    ['unix with a host', 'unix://localhost/run/agent.sock'],
    ['unix with userinfo', 'unix://me@/run/agent.sock'],
    ['unix with a port', 'unix://:80/run/agent.sock'],
    ['unix with a relative path', 'unix:agent.sock'],
    ['unix with a relative path that climbs', 'unix:../agent.sock'],
    ['unix with the name of an abstract socket', 'unix:@agent'],
    ['unix with a query', 'unix:///run/agent.sock?a=b'],
    ['unix with an empty query', 'unix:///run/agent.sock?'],
    ['unix with a fragment', 'unix:///run/agent.sock#a'],
    ['unix with an empty fragment', 'unix:///run/agent.sock#'],
    ['unix with a bad percent-encoding', 'unix:///run/%zz'],
    ['unix with percent-encoded bytes that are no UTF-8', 'unix:///run/%ff'],
    ['unix with a NUL', 'unix:///run/%00'],
    ['unix with a line break at its end', 'unix:///run/agent.sock\n'],
    ['unix without a path', 'unix:///'],
    ['unix with a path that is a byte too long', `unix://${pathOf(MAX_SOCKET_PATH_BYTES + 1)}`],
    ['unix with a path that is a byte too long for its two-byte letters', `unix:///${'é'.repeat(Math.ceil(MAX_SOCKET_PATH_BYTES / 2))}`],
    ['tcp with a name', 'tcp://localhost:8000'],
    ['tcp with a path', 'tcp://127.0.0.1:8000/foo'],
    ['tcp with a trailing slash', 'tcp://127.0.0.1:8000/'],
    ['tcp with a query', 'tcp://127.0.0.1:8000?a'],
    ['tcp with a fragment', 'tcp://127.0.0.1:8000#a'],
    ['tcp with userinfo', 'tcp://me@127.0.0.1:8000'],
    ['tcp without an authority', 'tcp:127.0.0.1:8000'],
    ['tcp without a host', 'tcp://:8000'],
    ['tcp without a port', 'tcp://127.0.0.1'],
    ['tcp with an empty port', 'tcp://127.0.0.1:'],
    ['tcp with port 0', 'tcp://127.0.0.1:0'],
    ['tcp with port 65536', 'tcp://127.0.0.1:65536'],
    ['tcp with a port that is no number', 'tcp://127.0.0.1:http'],
    ['tcp with a line break at its end', 'tcp://127.0.0.1:8000\n'],
    ['tcp with IPv6 without brackets', 'tcp://::1:8000'],
    ['tcp with an IPv6 zone', 'tcp://[fe80::1%25eth0]:8000'],
    ['tcp with IPv4 in brackets', 'tcp://[127.0.0.1]:8000'],
    ['tcp with no valid IPv4', 'tcp://999.0.0.1:8000'],
    ['tcp with a short IPv4', 'tcp://127.1:8000'],
  ])('refuses %s', (_what, text) => {
    expect(refusal(text).code).toBe('ERR_ENDPOINT_INVALID');
  });

  it('allows a path of 107 bytes on Linux and of 103 elsewhere', () => {
    expect(MAX_SOCKET_PATH_BYTES).toBe(process.platform === 'linux' ? 107 : 103);
  });

  it('says how to write what was written wrong', () => {
    expect(refusal('/run/agent.sock').hint).toBe('write unix:///run/agent.sock');
    expect(refusal('unix://run/agent.sock').hint).toContain('unix:///run/agent.sock');
    expect(refusal('unix:///run/agent.sock\n')).toMatchObject({
      message: 'the Workload API endpoint "unix:///run/agent.sock\\n" has a control character',
      hint: expect.stringContaining('line break'),
    });
    expect(refusal('tcp://localhost:80').hint).toContain('tcp://127.0.0.1:8000');
  });

  it('formats what it parsed', () => {
    for (const text of ['unix:///run/with%20space.sock', 'unix:///a%3Fb%23c%25d', 'tcp://127.0.0.1:8000', 'tcp://[::1]:1']) {
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

  it('does not fall back to SPIFFE_ENDPOINT_SOCKET from an argument that is empty', () => {
    vi.stubEnv('SPIFFE_ENDPOINT_SOCKET', 'unix:///from/variable');
    expect(() => resolveEndpoint('')).toThrow(expect.objectContaining({ code: 'ERR_ENDPOINT_INVALID' }));
  });

  it.each([undefined, ''])('says that SPIFFE_ENDPOINT_SOCKET is missing when it is %j, and guesses no path', (value) => {
    vi.stubEnv('SPIFFE_ENDPOINT_SOCKET', value);
    expect(() => resolveEndpoint()).toThrow(
      expect.objectContaining({ code: 'ERR_ENDPOINT_MISSING', hint: expect.stringContaining('SPIFFE_ENDPOINT_SOCKET') }),
    );
  });

  it('refuses a variable that is no endpoint', () => {
    vi.stubEnv('SPIFFE_ENDPOINT_SOCKET', 'unix://run/agent.sock');
    expect(() => resolveEndpoint()).toThrow(expect.objectContaining({ code: 'ERR_ENDPOINT_INVALID' }));
  });
});
