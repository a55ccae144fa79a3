// The two places of an authority: what a server gets, and what is kept where no server is. Held apart.
import { realpathSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { EphemosError } from 'ephemos/errors';

/** What SPIRE's servers get, by the names of a Secret of type kubernetes.io/tls: certificate, key, and the root that signed it. */
export const onServer = { certificate: 'tls.crt', key: 'tls.key', roots: 'ca.crt' } as const;
/** What stays offline. */
export const offline = {
  root: { certificate: 'root.crt', key: 'root.key' },
  machines: { certificate: 'nodes.crt', key: 'nodes.key' },
} as const;
/** What a machine gets, and `authority`, which the servers get to know it by. */
export const onMachine = { certificate: 'node.crt', key: 'node.key', authority: 'nodes.crt' } as const;

/** @throws {EphemosError} ERR_CONFIG_INVALID when one directory is, or is in, the other */
export function refuseTogether(kept: string, out: string): void {
  const [one, other] = [realOf(kept), realOf(out)];
  if (!isWithin(one, other) && !isWithin(other, one)) return;
  throw new EphemosError('ERR_CONFIG_INVALID', `${kept} and ${out} are not apart`, {
    hint: 'the key of the root belongs on no server: name a directory for it that is carried away, such as a removable disk',
  });
}

function isWithin(inner: string, outer: string): boolean {
  const between = relative(outer, inner);
  return between === '' || (!between.startsWith('..') && resolve(outer, between) === inner);
}

/** The path without links, also of what is not there yet. */
function realOf(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync(absolute);
  } catch {
    const parent = dirname(absolute);
    return parent === absolute ? absolute : join(realOf(parent), basename(absolute));
  }
}
