// Probes of what speaks plaintext HTTP on a port of its own.
import type { YamlMapping } from '../../project/write-yaml.ts';

/** A probe of a path on a named port. */
export function probe(path: string, port: string, times: YamlMapping): YamlMapping {
  return { httpGet: { path, port }, timeoutSeconds: 5, ...times };
}
