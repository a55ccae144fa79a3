// Answers that were given in; those that everything in deploy/kubernetes follows from out, checked.
import { isIP } from 'node:net';
import { EphemosError } from 'ephemos/errors';
import { refuseUnknown } from '../project/given.ts';
import { type Names, parseNames } from '../project/names.ts';
import type { GivenAnswers } from '../project/target.ts';

/** What is asked for a cluster. */
export interface ClusterAnswers extends Names {
  /** The image of the server and its client, with registry and tag: where it is, only its owner knows. */
  readonly image: string;
  /** The name of the cluster, which stands in the SPIFFE IDs of its agents. */
  readonly cluster: string;
  /** The networks that may reach SPIRE's servers from outside of the cluster, as CIDRs. */
  readonly sources: readonly string[];
}

/** The names of all answers. */
export const answerNames = ['service', 'domain', 'image', 'cluster', 'sources'] as const;

const DEFAULT_CLUSTER = 'production';
const DEFAULT_SOURCES = '10.0.0.0/8';

const CLUSTER = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
// A registry has a dot, a port, or is localhost: without one it is docker.io's, whose owner is somebody else.
const IMAGE =
  /^(?:[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d{1,5})?|[a-z0-9-]+:\d{1,5})(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)+(?::[A-Za-z0-9_][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/;

/**
 * Checks the answers.
 * @throws {EphemosError} ERR_CONFIG_INVALID for one that is wrong, missing, or not asked for
 */
export function parseAnswers(given: GivenAnswers): ClusterAnswers {
  refuseUnknown(given, answerNames);
  const names = parseNames(given['service'], given['domain']);
  return Object.freeze({
    ...names,
    image: parseImage(given['image'], names),
    cluster: parseCluster(given['cluster'] ?? DEFAULT_CLUSTER),
    sources: parseSources(given['sources'] ?? DEFAULT_SOURCES),
  });
}

/** The answers as the record keeps them. */
export function recordedAnswers({ service, domain, image, cluster, sources }: ClusterAnswers): Readonly<Record<string, string>> {
  return { service, domain, image, cluster, sources: sources.join(',') };
}

function parseImage(image: string | undefined, { service }: Names): string {
  const hint = `name the registry, the repository and a version: --set image=registry.company.com/${service}:1.0.0`;
  if (image === undefined) throw new EphemosError('ERR_CONFIG_INVALID', 'the image of the service is missing', { hint });
  if (!IMAGE.test(image)) throw new EphemosError('ERR_CONFIG_INVALID', `${JSON.stringify(image)} is no image with its registry`, { hint });
  if (!/[:@][^/]+$/.test(image) || /:latest$/.test(image)) {
    throw new EphemosError('ERR_CONFIG_INVALID', `the image ${image} names no version`, { hint });
  }
  return image;
}

function parseCluster(cluster: string): string {
  if (CLUSTER.test(cluster)) return cluster;
  throw new EphemosError('ERR_CONFIG_INVALID', `${JSON.stringify(cluster)} is no name of a cluster`, {
    hint: 'use at most 63 lower-case letters, digits and "-"',
  });
}

function parseSources(text: string): readonly string[] {
  const sources = text.split(',').map((each) => each.trim());
  const wrong = sources.find((source) => !isNetwork(source));
  if (wrong !== undefined) {
    throw new EphemosError('ERR_CONFIG_INVALID', `${JSON.stringify(wrong)} is no network`, {
      hint: 'name networks such as 10.0.0.0/8, with commas between them',
    });
  }
  const open = sources.find((source) => source.endsWith('/0'));
  if (open !== undefined) {
    throw new EphemosError('ERR_CONFIG_INVALID', `${open} is everybody: SPIRE's servers are not for the Internet`, {
      hint: 'name the networks that agents outside of the cluster come from',
    });
  }
  return sources;
}

function isNetwork(source: string): boolean {
  const [address = '', length = '', ...rest] = source.split('/');
  const bits = isIP(address) === 4 ? 32 : isIP(address) === 6 ? 128 : -1;
  return rest.length === 0 && /^\d{1,3}$/.test(length) && Number(length) <= bits;
}
