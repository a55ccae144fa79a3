// A registry of our own on loopback, over real TLS: what it has and how it behaves in; its address, its authority and what it was asked out.
import 'reflect-metadata';
import { createHash, webcrypto } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { BasicConstraintsExtension, PemConverter, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import { onTestFinished } from 'vitest';

export const INDEX = 'application/vnd.oci.image.index.v1+json';

export interface Registry {
  readonly host: string;
  readonly ca: string;
  /** Method, path and the scheme of what was shown: `HEAD /v2/a/manifests/1 Bearer`. */
  readonly asked: readonly string[];
}

export function digestOf(bytes: string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

const identity = makeIdentity();

async function makeIdentity(): Promise<{ readonly cert: string; readonly key: string }> {
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: '01',
      name: 'CN=registry',
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + 3_600_000),
      keys,
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new SubjectAlternativeNameExtension([
          { type: 'dns', value: 'localhost' },
          { type: 'ip', value: '127.0.0.1' },
        ]),
      ],
    },
    webcrypto,
  );
  return {
    cert: certificate.toString('pem'),
    key: PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY'),
  };
}

/** Listens until the test has ended. */
export async function openRegistry(answer: (request: IncomingMessage, response: ServerResponse, host: string) => void): Promise<Registry> {
  const { cert, key } = await identity;
  const asked: string[] = [];
  const listener: RequestListener = (request, response) => {
    const [scheme] = (request.headers.authorization ?? '').split(' ');
    asked.push(`${request.method ?? ''} ${request.url ?? ''}${scheme === '' ? '' : ` ${scheme}`}`);
    answer(request, response, host);
  };
  const server = createServer({ cert, key }, listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const host = `127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`;
  return { host, ca: cert, asked };
}

/** Answers as a registry does that gives tokens to everybody: manifests by `<repository>:<tag>`. */
export function wellBehaved(
  manifests: Readonly<Record<string, string>>,
  { user, type = INDEX }: { readonly user?: string; readonly type?: string } = {},
): (request: IncomingMessage, response: ServerResponse, host: string) => void {
  return (request, response, host) => {
    const url = new URL(request.url ?? '', 'https://registry');
    if (url.pathname === '/token') {
      const expected = `Basic ${Buffer.from(user ?? '').toString('base64')}`;
      if (user !== undefined && request.headers.authorization !== expected) return void response.writeHead(401).end();
      const scope = url.searchParams.get('scope');
      return void response.end(JSON.stringify({ token: `for-${Buffer.from(scope ?? '').toString('hex')}` }));
    }
    const [, repository = '', reference = ''] = /^\/v2\/(.*)\/manifests\/(.*)$/.exec(url.pathname) ?? [];
    const scope = `repository:${repository}:pull`;
    if (request.headers.authorization !== `Bearer for-${Buffer.from(scope).toString('hex')}`) {
      const challenge = `Bearer realm="https://${host}/token",service="registry",scope="${scope}"`;
      return void response.writeHead(401, { 'www-authenticate': challenge }).end('{"errors":[]}');
    }
    const found = Object.entries(manifests).find(
      ([name, bytes]) => [`${repository}:${reference}`].includes(name) || digestOf(bytes) === reference,
    );
    if (found === undefined) return void response.writeHead(404).end('{"errors":[]}');
    response.writeHead(200, { 'content-type': type, 'docker-content-digest': digestOf(found[1]) });
    response.end(request.method === 'HEAD' ? undefined : found[1]);
  };
}
