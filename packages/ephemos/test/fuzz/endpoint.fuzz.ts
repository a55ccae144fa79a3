// The endpoint parser beside a second implementation that is two regular expressions (SPIFFE_Workload_Endpoint section 4).
import { isIPv4, isIPv6 } from 'node:net';
import { EphemosError } from 'ephemos/errors';
import { type Endpoint, formatEndpoint, parseEndpoint } from 'ephemos/workload-api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { numRuns } from './runs.ts';

function parse(text: string): Endpoint | undefined {
  try {
    return parseEndpoint(text);
  } catch (error) {
    if (error instanceof EphemosError && error.code === 'ERR_ENDPOINT_INVALID') return undefined;
    throw error;
  }
}

function expectedOf(text: string): Endpoint | undefined {
  const [, encoded] = /^unix:(?:\/\/(?=\/)|(?!\/\/))(\/[^?#]*)$/i.exec(text) ?? [];
  if (encoded !== undefined) {
    const path = decoded(encoded);
    const longest = process.platform === 'linux' ? 107 : 103;
    return path === undefined || /\p{Cc}/u.test(encoded) || path.includes('\0') || path === '/' || Buffer.byteLength(path) > longest
      ? undefined
      : { scheme: 'unix', path };
  }
  const [, six, four, port = ''] = /^tcp:\/\/(?:\[(.+)\]|([^[\]]+)):([0-9]{1,5})$/is.exec(text) ?? [];
  const host = six ?? four ?? '';
  const isAddress = six === undefined ? isIPv4(host) : isIPv6(host) && !host.includes('%');
  return isAddress && Number(port) > 0 && Number(port) < 65_536 ? { scheme: 'tcp', host, port: Number(port) } : undefined;
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

const piece = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('/', 'run', 'agent.sock', '127.0.0.1', '[::1]', ':8000', ':', '0', '1', '65535') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '?',
      '#',
      '?a=b',
      '%2f',
      '%3F',
      '%23',
      '%00',
      '%',
      '%zz',
      '%e9',
      '%C3%A9',
      '@',
      'user@',
      'localhost',
      '[::ffff:1.2.3.4]',
      '[fe80::1%eth0]',
      '::1',
      '..',
      '\0',
      '\n',
      ' ',
      '\u00e9',
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 4 }) },
);
const scheme = fc.constantFrom(
  'unix:',
  'unix:/',
  'unix://',
  'unix:///',
  'UNIX:///',
  'tcp://',
  'TCP://',
  'tcp:',
  'tcp:///',
  'http://',
  'unix',
  '',
  ':',
);
const text = fc.oneof(
  fc.tuple(scheme, fc.array(piece, { maxLength: 6 })).map(([head, pieces]) => head + pieces.join('')),
  fc.tuple(fc.ipV4(), fc.nat(70_000)).map(([host, port]) => `tcp://${host}:${port}`),
  fc.tuple(fc.ipV6(), fc.nat(70_000)).map(([host, port]) => `tcp://[${host}]:${port}`),
  fc
    .tuple(fc.constantFrom('a', '%61', '\u00e9'), fc.integer({ min: 30, max: 120 }))
    .map(([letter, length]) => `unix:///${letter.repeat(length)}`),
);

describe('parseEndpoint', () => {
  it('takes what the regular expressions take', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(parse(value)).toEqual(expectedOf(value));
      }),
      { numRuns },
    );
  });

  it('takes what formatEndpoint makes of an endpoint, for the same endpoint', () => {
    fc.assert(
      fc.property(text, (value) => {
        const endpoint = parse(value);
        if (endpoint !== undefined) expect(parseEndpoint(formatEndpoint(endpoint))).toEqual(endpoint);
      }),
      { numRuns },
    );
  });
});
