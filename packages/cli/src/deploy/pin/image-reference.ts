// The text that names an image in; the registry, the repository and the tag that it stands for out (the grammar of OCI distribution and of Docker).

/** An image, as a registry is asked for it. */
export interface ImageReference {
  /** As it is written with its tag and without a digest: `ghcr.io/spiffe/spire-server:1.15.2`. */
  readonly text: string;
  /** The same without the tag. */
  readonly name: string;
  /** Undefined when none is named: an engine takes its own images, or those of Docker Hub. */
  readonly registry: string | undefined;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string | undefined;
}

const HOST = '[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\\d{1,5})?';
const PART = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const REFERENCE = new RegExp(`^(${HOST}/)?(${PART}(?:/${PART})*)(?::([\\w][\\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$`, 'i');
const MAX_LENGTH = 400;

/** Parses it; undefined when it names no image, as `scratch` or what a variable stands for does not. */
export function parseImage(text: string): ImageReference | undefined {
  if (text === 'scratch' || text.length > MAX_LENGTH) return undefined;
  const match = REFERENCE.exec(text);
  if (match === null) return undefined;
  const [, first = '', rest = '', tag = 'latest', digest] = match;
  const host = first.slice(0, -1);
  // What has neither a dot nor a port is a part of the repository, as in library/node.
  const isHost = host.includes('.') || host.includes(':') || host === 'localhost';
  const repository = isHost ? rest : `${first}${rest}`;
  if (repository !== repository.toLowerCase()) return undefined;
  const name = `${first}${rest}`;
  return { text: `${name}:${tag}`, name, registry: isHost ? host : undefined, repository, tag, digest };
}

const SHOWN = 12;

/** `sha256:0123456789ab`, for a page. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 'sha256:'.length + SHOWN);
}
