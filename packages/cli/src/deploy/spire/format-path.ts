// The path of a key as people write it: `servers[0].port`.
import type { KeyPath } from '@ephemos/service/config';

/** The path as text. */
export function formatPath(path: KeyPath): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${key}`)).join('');
}
