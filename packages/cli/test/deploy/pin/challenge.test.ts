import { describe, expect, it } from 'vitest';
import { parseChallenge } from '../../../src/deploy/pin/challenge.ts';

describe('parseChallenge', () => {
  it('reads the parameters of a bearer challenge, quoted or not', () => {
    expect(parseChallenge('Bearer realm="https://auth.acme.com/token",service=acme , scope="repository:a/b:pull,push",x="a\\"b"')).toEqual({
      scheme: 'bearer',
      parameters: { realm: 'https://auth.acme.com/token', service: 'acme', scope: 'repository:a/b:pull,push', x: 'a"b' },
    });
  });

  it('takes bearer before basic, whichever comes first', () => {
    for (const header of ['Basic realm="a", Bearer realm="b"', 'bearer realm="b", basic realm="a"'])
      expect(parseChallenge(header), header).toMatchObject({ scheme: 'bearer', parameters: { realm: 'b' } });
    expect(parseChallenge('Basic realm="a"')).toMatchObject({ scheme: 'basic' });
  });

  it.each(['', 'Negotiate', 'Digest realm="x"', `Bearer realm="${'a'.repeat(5000)}"`])('finds none in %j', (header) => {
    expect(parseChallenge(header)).toBeUndefined();
  });
});
