// An image and its tag in; the digest that its registry has for it out, by the distribution API of OCI (its specification, "Pulling manifests").
import { createHash } from 'node:crypto';
import { CommandError } from '../../command-error.ts';
import { exitCodes } from '../../output/exit-code.ts';
import { parseChallenge } from './challenge.ts';
import type { ImageReference } from './image-reference.ts';
import type { Credentials } from './registry-credentials.ts';
import { askRegistry, failed, type RegistryAnswer, type RequestOptions } from './registry-request.ts';

/** How registries are asked. */
export interface RegistryOptions extends RequestOptions {
  readonly credentialsOf: (registry: string) => Credentials;
}

/** Indexes first: they hold the image for every platform. */
const ACCEPTED = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const;
/** What the specification asks registries to take; none has more. */
const MAX_MANIFEST_BYTES: number = 4 * 1024 * 1024;
const MAX_TOKEN_BYTES: number = 256 * 1024;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
/** Docker's own registry answers under another name than its images have. */
const HOSTS: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io', 'index.docker.io': 'registry-1.docker.io' };

/**
 * Asks what the tag stands for, reads the manifest by that digest, and compares its SHA-256 with it.
 * @throws {CommandError} ERR_REGISTRY_UNREACHABLE, ERR_REGISTRY_REFUSED, ERR_IMAGE_NOT_FOUND, or ERR_REGISTRY_FAILED
 */
export async function fetchDigest(image: ImageReference, options: RegistryOptions): Promise<string> {
  const { registry, tag } = image;
  if (registry === undefined) throw new TypeError(`${image.text} names no registry`);
  const ask = asker(image, registry, options);
  const { headers } = await ask('HEAD', tag);
  const said = digestIn(headers['docker-content-digest'], image);
  const manifest = await ask('GET', said ?? tag);
  const digest = `sha256:${createHash('sha256').update(manifest.body).digest('hex')}`;
  const other = [said, digestIn(manifest.headers['docker-content-digest'], image)].find((each) => each !== undefined && each !== digest);
  if (other !== undefined)
    throw failed(
      `${registry} says that ${image.text} is ${other}, and sends ${digest}`,
      'nothing was written: what was sent is not what was asked for',
    );
  return digest;
}

type Ask = (method: 'GET' | 'HEAD', reference: string) => Promise<RegistryAnswer>;

function asker(image: ImageReference, registry: string, options: RegistryOptions): Ask {
  const isHub = HOSTS[registry] !== undefined;
  // Without a port that goes without saying, as it is compared.
  const { host } = new URL(`https://${HOSTS[registry] ?? registry}`);
  const repository = isHub && !image.repository.includes('/') ? `library/${image.repository}` : image.repository;
  const credentials = options.credentialsOf(registry);
  let authorization: string | undefined;

  const once = (method: 'GET' | 'HEAD', reference: string): Promise<RegistryAnswer> => {
    const url = new URL(`https://${host}/v2/${repository}/manifests/${reference}`);
    return askRegistry({ method, url, accept: ACCEPTED.join(', '), authorization, maxBytes: MAX_MANIFEST_BYTES }, options);
  };

  return async (method, reference) => {
    let answer = await once(method, reference);
    if (answer.status === 401 && authorization === undefined) {
      authorization = await authorize(answer, { image, repository, host, credentials }, options);
      answer = await once(method, reference);
    }
    demandManifest(answer, { image, host, credentials });
    return answer;
  };
}

interface Asked {
  readonly image: ImageReference;
  readonly host: string;
  readonly credentials: Credentials;
}

// Whoever may read what: a token for this repository, of the place that the registry names; or the credentials themselves.
async function authorize(answer: RegistryAnswer, asked: Asked & { readonly repository: string }, options: RequestOptions): Promise<string> {
  const { host, credentials, repository } = asked;
  // Somebody else is told nothing about us, and names nobody who is.
  if (answer.host !== host) throw failed(`${host} leads to ${answer.host}, which asks for credentials`);
  const challenge = parseChallenge(answer.headers['www-authenticate'] ?? '');
  if (challenge?.scheme === 'basic' && credentials.basic !== undefined) return credentials.basic;
  const { realm = '', service, scope = `repository:${repository}:pull` } = challenge?.parameters ?? {};
  if (challenge?.scheme !== 'bearer' || !URL.canParse(realm)) throw refused(asked, 401);
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  url.searchParams.set('scope', scope);
  const issued = await askRegistry({ method: 'GET', url, authorization: credentials.basic, maxBytes: MAX_TOKEN_BYTES }, options);
  if (issued.status === 401 || issued.status === 403) throw refused(asked, issued.status);
  if (issued.status === 429) throw busy(url.host, issued);
  const token = issued.status === 200 ? tokenIn(issued.body) : undefined;
  if (token === undefined) throw failed(`${url.host} gives no token for ${host}: it answers ${issued.status}`);
  return `Bearer ${token}`;
}

function demandManifest(answer: RegistryAnswer, asked: Asked): void {
  const { image, host } = asked;
  const { status, headers } = answer;
  if (status === 401 || status === 403) throw refused(asked, status);
  if (status === 404) {
    throw new CommandError('ERR_IMAGE_NOT_FOUND', `${host} has no ${image.text}`, {
      exitCode: exitCodes.failed,
      hint: 'nothing was written: push the image first, or mend its name',
    });
  }
  if (status === 429) throw busy(host, answer);
  if (status !== 200) throw failed(`${host} answers ${status} when it is asked for ${image.text}`);
  const type = (headers['content-type'] ?? '').split(';')[0]?.trim();
  if (!ACCEPTED.some((each) => each === type))
    throw failed(`${host} answers with ${JSON.stringify(type)} for ${image.text}, which is no manifest`);
}

function refused({ image, host, credentials }: Asked, status: number): CommandError {
  const hint = credentials.elsewhere
    ? 'a program keeps your credentials for it, which is not asked: put them into a config.json of their own, and name its folder in DOCKER_CONFIG'
    : credentials.basic === undefined
      ? `log in first: docker login ${image.registry ?? host}`
      : 'the credentials in config.json of Docker do not do for it';
  return new CommandError('ERR_REGISTRY_REFUSED', `${host} does not let us read ${image.text} (${status})`, {
    exitCode: exitCodes.identity,
    hint,
  });
}

function busy(host: string, { headers }: RegistryAnswer): CommandError {
  const after = /^\d{1,6}$/.test(headers['retry-after'] ?? '') ? ` in ${headers['retry-after'] ?? ''} s` : ' later';
  return failed(`${host} has had too many requests from here (429)`, `nothing was written: try again${after}, or log in`);
}

function digestIn(header: unknown, image: ImageReference): string | undefined {
  if (typeof header !== 'string') return undefined;
  if (!DIGEST.test(header))
    throw failed(`the digest of ${image.text} is ${JSON.stringify(header.slice(0, 100))}, which is none of SHA-256`);
  return header;
}

// What goes into a header.
const TOKEN = /^[\w.~+/=:-]{1,65536}$/;

function tokenIn(body: Buffer): string | undefined {
  try {
    const document: unknown = JSON.parse(body.toString('utf8'));
    if (typeof document !== 'object' || document === null) return undefined;
    const token = 'token' in document ? document.token : 'access_token' in document ? document.access_token : undefined;
    return typeof token === 'string' && TOKEN.test(token) ? token : undefined;
  } catch {
    return undefined;
  }
}
