import { describe, expect, it } from 'vitest';
import { parseImage } from '../../../src/deploy/pin/image-reference.ts';

const digest = `sha256:${'a'.repeat(64)}`;

describe('parseImage', () => {
  it.each([
    ['ghcr.io/spiffe/spire-server:1.15.2', 'ghcr.io', 'spiffe/spire-server', '1.15.2', undefined],
    ['gcr.io/distroless/nodejs24-debian13:nonroot', 'gcr.io', 'distroless/nodejs24-debian13', 'nonroot', undefined],
    [`ghcr.io/spiffe/spire-agent:1.15.2@${digest}`, 'ghcr.io', 'spiffe/spire-agent', '1.15.2', digest],
    [`ghcr.io/spiffe/spire-agent@${digest}`, 'ghcr.io', 'spiffe/spire-agent', 'latest', digest],
    ['localhost:5000/a', 'localhost:5000', 'a', 'latest', undefined],
    ['localhost/a:1', 'localhost', 'a', '1', undefined],
    ['127.0.0.1:5000/a/b:1', '127.0.0.1:5000', 'a/b', '1', undefined],
    ['docker.io/library/node:24', 'docker.io', 'library/node', '24', undefined],
  ])('reads %s', (text, registry, repository, tag, of) => {
    expect(parseImage(text)).toMatchObject({ registry, repository, tag, digest: of });
  });

  it('takes a name without a dot or a port before its first "/" for no registry', () => {
    for (const text of ['ephemos-echo:0.1.0', 'library/node:24', 'acme/orders'])
      expect(parseImage(text), text).toMatchObject({ registry: undefined });
  });

  it('keeps the reference with its tag apart from the digest, so that both name one pin', () => {
    expect(parseImage(`ghcr.io/a/b:1@${digest}`)?.text).toBe(parseImage('ghcr.io/a/b:1')?.text);
  });

  it.each([
    '',
    'scratch',
    `\${BASE}`,
    'a b',
    'ghcr.io/A/b:1',
    'ghcr.io/../b:1',
    'ghcr.io/a/b:1@sha256:abc',
    `a/${'b'.repeat(500)}`,
    'https://ghcr.io/a/b',
  ])('finds no image in %j', (text) => expect(parseImage(text)).toBeUndefined());
});
