// The configuration of Docker in; what a registry is shown of it out. Programs that it names are not started.
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { EphemosError } from 'ephemos/errors';
import { z } from 'zod';

/** What is known of the user at a registry. */
export interface Credentials {
  /** The value of a Basic header; undefined: nobody in particular. */
  readonly basic: string | undefined;
  /** The configuration says that a program keeps them, which is not asked. */
  readonly elsewhere: boolean;
}

const MAX_BYTES = 1024 * 1024;
const schema = z.object({
  auths: z.record(z.string(), z.object({ auth: z.string().optional() })).optional(),
  credsStore: z.string().optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
});

/** The name that Docker keeps its own registry under. */
const DOCKER_HUB = 'https://index.docker.io/v1/';

/**
 * Reads `config.json` of DOCKER_CONFIG, or of ~/.docker.
 * @returns the credentials of a registry, by its host
 * @throws {EphemosError} ERR_CONFIG_INVALID when it is there and is none
 */
export function readCredentials(env: Readonly<Record<string, string | undefined>>): (registry: string) => Credentials {
  const { DOCKER_CONFIG: own = '' } = env;
  const path = join(own === '' ? join(homedir(), '.docker') : own, 'config.json');
  const text = textOf(path);
  if (text === undefined) return () => ({ basic: undefined, elsewhere: false });
  const { success, data } = schema.safeParse(jsonOf(text));
  if (!success)
    throw new EphemosError('ERR_CONFIG_INVALID', `${path} is no configuration of Docker`, {
      hint: 'mend it, or name another one in DOCKER_CONFIG',
    });
  const { auths = {}, credsStore, credHelpers = {} } = data;
  return (registry) => {
    const names =
      registry === 'docker.io'
        ? [DOCKER_HUB, 'docker.io', 'index.docker.io']
        : [registry, `https://${registry}`, `https://${registry}/v2/`];
    const auth = names.map((name) => auths[name]?.auth).find((each) => each !== undefined && each !== '');
    const elsewhere = names.some((name) => credHelpers[name] !== undefined || (credsStore !== undefined && auths[name] !== undefined));
    return { basic: auth === undefined ? undefined : `Basic ${auth}`, elsewhere: auth === undefined && elsewhere };
  };
}

function textOf(path: string): string | undefined {
  try {
    if (statSync(path).size > MAX_BYTES) return '';
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    throw error;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
