import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseImage } from '../../../src/deploy/pin/image-reference.ts';
import { fetchDigest } from '../../../src/deploy/pin/registry.ts';
import { type Credentials, readCredentials } from '../../../src/deploy/pin/registry-credentials.ts';
import { digestOf, INDEX, openRegistry, type Registry, wellBehaved } from './open-registry.ts';

const manifest = '{"schemaVersion":2,"manifests":[]}';
const nobody: Credentials = { basic: undefined, elsewhere: false };
const somebody: Credentials = { basic: `Basic ${Buffer.from('me:secret').toString('base64')}`, elsewhere: false };

async function digestAt(
  { host, ca }: Registry,
  { name = 'acme/orders:1.4.0', credentials = nobody, timeout = 10_000 } = {},
): Promise<string> {
  const image = parseImage(`${host}/${name}`);
  if (image === undefined) throw new Error('no image');
  return fetchDigest(image, { ca, timeout, credentialsOf: () => credentials });
}

describe('fetchDigest', () => {
  it('asks for a token, then for the tag, then for the manifest by its digest, and gives the SHA-256 of what it read', async () => {
    const registry = await openRegistry(wellBehaved({ 'acme/orders:1.4.0': manifest }));
    expect(await digestAt(registry)).toBe(digestOf(manifest));
    expect(registry.asked).toEqual([
      'HEAD /v2/acme/orders/manifests/1.4.0',
      'GET /token?service=registry&scope=repository%3Aacme%2Forders%3Apull',
      'HEAD /v2/acme/orders/manifests/1.4.0 Bearer',
      `GET /v2/acme/orders/manifests/${digestOf(manifest)} Bearer`,
    ]);
  });

  it('shows credentials where the token is given out, and there alone', async () => {
    const registry = await openRegistry(wellBehaved({ 'acme/orders:1.4.0': manifest }, { user: 'me:secret' }));
    await expect(digestAt(registry)).rejects.toMatchObject({
      code: 'ERR_REGISTRY_REFUSED',
      hint: `log in first: docker login ${registry.host}`,
    });
    expect(await digestAt(registry, { credentials: somebody })).toBe(digestOf(manifest));
    expect(registry.asked.filter((line) => line.endsWith('Basic'))).toEqual([
      'GET /token?service=registry&scope=repository%3Aacme%2Forders%3Apull Basic',
    ]);
  });

  it('shows them to the registry itself when that asks for Basic', async () => {
    const registry = await openRegistry((request, response) => {
      if (request.headers.authorization !== somebody.basic) response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      else response.writeHead(200, { 'content-type': INDEX }).end(request.method === 'HEAD' ? undefined : manifest);
    });
    expect(await digestAt(registry, { credentials: somebody })).toBe(digestOf(manifest));
    await expect(digestAt(registry)).rejects.toMatchObject({ code: 'ERR_REGISTRY_REFUSED', exitCode: 4 });
  });

  it('says where credentials are that it does not ask for', async () => {
    const registry = await openRegistry((_, response) => void response.writeHead(403).end());
    await expect(digestAt(registry, { credentials: { basic: undefined, elsewhere: true } })).rejects.toMatchObject({
      hint: expect.stringContaining('a program keeps your credentials'),
    });
  });

  it('refuses a digest that is not that of what is sent, from HEAD or from GET', async () => {
    for (const liar of ['HEAD', 'GET']) {
      const registry = await openRegistry((request, response) => {
        const digest = request.method === liar ? digestOf('other') : digestOf(manifest);
        response
          .writeHead(200, { 'content-type': INDEX, 'docker-content-digest': digest })
          .end(request.method === 'HEAD' ? undefined : manifest);
      });
      await expect(digestAt(registry), liar).rejects.toMatchObject({
        code: 'ERR_REGISTRY_FAILED',
        message: expect.stringContaining('and sends sha256:'),
      });
    }
  });

  it('refuses a digest that is none, and what is no manifest', async () => {
    const weak = await openRegistry(
      (_, response) => void response.writeHead(200, { 'content-type': INDEX, 'docker-content-digest': 'md5:1' }).end(),
    );
    await expect(digestAt(weak)).rejects.toMatchObject({ message: expect.stringContaining('which is none of SHA-256') });
    const portal = await openRegistry((_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'));
    await expect(digestAt(portal)).rejects.toMatchObject({ message: expect.stringContaining('which is no manifest') });
  });

  it('tells an image that is not there, a registry that has enough, and one that fails apart', async () => {
    const registry = await openRegistry(wellBehaved({}));
    await expect(digestAt(registry)).rejects.toMatchObject({ code: 'ERR_IMAGE_NOT_FOUND', exitCode: 1 });
    const busy = await openRegistry((_, response) => void response.writeHead(429, { 'retry-after': '30' }).end());
    await expect(digestAt(busy)).rejects.toMatchObject({ code: 'ERR_REGISTRY_FAILED', hint: expect.stringContaining('try again in 30 s') });
    const broken = await openRegistry((_, response) => void response.writeHead(500).end());
    await expect(digestAt(broken)).rejects.toMatchObject({ code: 'ERR_REGISTRY_FAILED', message: expect.stringContaining('answers 500') });
  });

  it('gives up a registry that does not answer, or that closes', async () => {
    const silent = await openRegistry(() => undefined);
    await expect(digestAt(silent, { timeout: 50 })).rejects.toMatchObject({
      code: 'ERR_REGISTRY_UNREACHABLE',
      message: expect.stringContaining('within 0.05 s'),
    });
    const closing = await openRegistry((request) => void request.socket.destroy());
    await expect(digestAt(closing)).rejects.toMatchObject({
      code: 'ERR_REGISTRY_UNREACHABLE',
      message: expect.stringContaining('ECONNRESET'),
    });
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const host = `127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`;
    await new Promise((resolve) => server.close(resolve));
    await expect(digestAt({ ...silent, host })).rejects.toMatchObject({ message: expect.stringContaining('ECONNREFUSED') });
  });

  it('reads no more than a manifest may have', async () => {
    const registry = await openRegistry((request, response) => {
      response.writeHead(200, { 'content-type': INDEX });
      response.end(request.method === 'HEAD' ? undefined : Buffer.alloc(4 * 1024 * 1024 + 1));
    });
    await expect(digestAt(registry)).rejects.toMatchObject({
      code: 'ERR_REGISTRY_FAILED',
      message: expect.stringContaining('longer than 4194304 bytes'),
    });
  });

  it('follows a redirect on the same host, but not without TLS, and not in a circle', async () => {
    const good = wellBehaved({ 'acme/orders:1.4.0': manifest });
    const moved = await openRegistry((request, response, host) => {
      if (request.url?.startsWith('/v2/acme/') !== true) return good(request, response, host);
      response.writeHead(307, { location: request.url.replace('/v2/acme/', '/v2/moved/../acme/./') }).end();
    });
    await expect(digestAt(moved)).rejects.toMatchObject({ message: expect.stringContaining('leads on and on') });
    const plain = await openRegistry((_, response) => void response.writeHead(302, { location: 'http://127.0.0.1/' }).end());
    await expect(digestAt(plain)).rejects.toMatchObject({ message: expect.stringContaining('which is not over HTTPS') });
    const once = await openRegistry((request, response, host) => {
      if (request.url?.startsWith('/v2/acme/') === true)
        return void response.writeHead(307, { location: `https://${host}${request.url.replace('/v2/', '/v2/new/')}` }).end();
      wellBehaved({ 'new/acme/orders:1.4.0': manifest })(request, response, host);
    });
    expect(await digestAt(once)).toBe(digestOf(manifest));
  });

  it('takes no credentials to another host: neither the token, nor what another host asks for', async () => {
    const other = await openRegistry((request, response, host) => {
      const challenge = `Bearer realm="https://${host}/token"`;
      if (request.url?.startsWith('/token') === true) return void response.end('{"token":"t"}');
      response.writeHead(401, { 'www-authenticate': challenge }).end();
    });
    const leading = await openRegistry(
      (_, response) => void response.writeHead(307, { location: `https://${other.host}/v2/a/manifests/1` }).end(),
    );
    await expect(digestAt(leading, { credentials: somebody })).rejects.toMatchObject({
      message: expect.stringContaining('which asks for credentials'),
    });
    const later = await openRegistry((request, response, host) => {
      if (request.headers.authorization?.startsWith('Bearer') === true)
        return void response.writeHead(307, { location: `https://${other.host}/v2/a/manifests/1` }).end();
      wellBehaved({}, { user: 'me:secret' })(request, response, host);
    });
    await expect(digestAt(later, { credentials: somebody })).rejects.toMatchObject({
      message: expect.stringContaining('is not given the credentials'),
    });
    expect(other.asked).toEqual(['HEAD /v2/a/manifests/1']);
  });

  it('asks for no token without TLS, and takes none that would be two headers', async () => {
    const realm = await openRegistry(
      (_, response) => void response.writeHead(401, { 'www-authenticate': 'Bearer realm="http://127.0.0.1/token"' }).end(),
    );
    await expect(digestAt(realm, { credentials: somebody })).rejects.toMatchObject({
      message: expect.stringContaining('is not asked without TLS'),
    });
    const token = await openRegistry((request, response, host) => {
      if (request.url?.startsWith('/token') === true) return void response.end(JSON.stringify({ token: 'a\r\nx: y' }));
      response.writeHead(401, { 'www-authenticate': `Bearer realm="https://${host}/token"` }).end();
    });
    await expect(digestAt(token)).rejects.toMatchObject({ message: expect.stringContaining('gives no token') });
  });

  it('believes no certificate that is not of an authority that is trusted', async () => {
    const registry = await openRegistry(wellBehaved({ 'acme/orders:1.4.0': manifest }));
    const image = parseImage(`${registry.host}/acme/orders:1.4.0`);
    if (image === undefined) throw new Error('no image');
    await expect(fetchDigest(image, { timeout: 10_000, credentialsOf: () => nobody })).rejects.toMatchObject({
      code: 'ERR_REGISTRY_UNREACHABLE',
      hint: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
    });
    expect(registry.asked).toEqual([]);
  });
});

describe('readCredentials', () => {
  function configured(text: string): (registry: string) => Credentials {
    const folder = mkdtempSync(join(tmpdir(), 'eph-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, 'config.json'), text);
    return readCredentials({ DOCKER_CONFIG: folder });
  }

  it('finds what docker login wrote, and what a program keeps instead', () => {
    const of = configured(
      JSON.stringify({
        auths: { 'ghcr.io': { auth: 'YTpi' }, 'https://index.docker.io/v1/': { auth: 'Yzpk' }, 'kept.acme.com': {} },
        credsStore: 'desktop',
        credHelpers: { 'helped.acme.com': 'ecr-login' },
      }),
    );
    expect(of('ghcr.io')).toEqual({ basic: 'Basic YTpi', elsewhere: false });
    expect(of('docker.io')).toEqual({ basic: 'Basic Yzpk', elsewhere: false });
    expect(of('quay.io')).toEqual({ basic: undefined, elsewhere: false });
    for (const registry of ['kept.acme.com', 'helped.acme.com']) expect(of(registry)).toEqual({ basic: undefined, elsewhere: true });
  });

  it('knows nobody without a configuration, and refuses one that is none', () => {
    expect(readCredentials({ DOCKER_CONFIG: '/nowhere' })('ghcr.io')).toEqual({ basic: undefined, elsewhere: false });
    for (const text of ['', '[]', '{"auths":[]}', '{"auths":{"a":{"auth":1}}}'])
      expect(() => configured(text), text).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }));
  });
});
