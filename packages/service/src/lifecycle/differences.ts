// Two configurations in; the keys that differ and that a running service cannot take over out.
import type { Config, ConfigSections } from '../config/config.ts';

const SECTIONS: readonly (keyof ConfigSections)[] = ['service', 'listen', 'health', 'metrics', 'limits', 'shutdown', 'logs', 'keepalive'];
/** What a reload takes into use, besides the policy; everything else waits for the next start. */
const LIVE: ReadonlySet<string> = new Set(['service.authorizedClients', 'service.trustedServers']);

/** The keys that only a new start takes into use, such as `limits.maxConnections`. */
export function restartNeeded(before: Config, after: Config): readonly string[] {
  return SECTIONS.flatMap((section) => {
    const [old, next] = [plain(before[section]), plain(after[section])];
    const keys = [...new Set([...Object.keys(old), ...Object.keys(next)])];
    return keys
      .filter((key) => JSON.stringify(old[key]) !== JSON.stringify(next[key]))
      .map((key) => `${section}.${key}`)
      .filter((key) => !LIVE.has(key));
  });
}

// Identities print as text.
function plain(section: object): Readonly<Record<string, unknown>> {
  const parsed: unknown = JSON.parse(JSON.stringify(section, (_key, value: unknown) => (hasText(value) ? String(value) : value)));
  return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
}

function hasText(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && value.toString !== Object.prototype.toString;
}
