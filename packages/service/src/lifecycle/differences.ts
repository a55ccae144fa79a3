// Two configurations in; the keys that differ and that a running service cannot take over out.
import type { Config } from '../config/config.ts';

/** What a reload takes into use; everything else waits for the next start. */
const LIVE: ReadonlySet<keyof Config> = new Set(['policy', 'files', 'socket']);

/** The sections and keys that only a new start takes into use, such as `limits.maxConnections`. */
export function restartNeeded(before: Config, after: Config): readonly string[] {
  const keys = new Set<string>();
  for (const section of sectionsOf(before)) {
    const [old, next] = [plain(before[section]), plain(after[section])];
    for (const key of new Set([...Object.keys(old), ...Object.keys(next)])) {
      const isLive = section === 'service' && (key === 'authorizedClients' || key === 'trustedServers');
      if (!isLive && JSON.stringify(old[key]) !== JSON.stringify(next[key])) keys.add(`${section}.${key}`);
    }
  }
  return [...keys];
}

function sectionsOf(config: Config): readonly (keyof Config)[] {
  const sections: (keyof Config)[] = ['service', 'listen', 'health', 'metrics', 'limits', 'shutdown', 'logs', 'keepalive'];
  return sections.filter((section) => section in config && !LIVE.has(section));
}

// Identities print as text.
function plain(section: unknown): Readonly<Record<string, unknown>> {
  const text = JSON.stringify(section, (_key, value: unknown) => (hasText(value) ? String(value) : value)) ?? '{}';
  const parsed: unknown = JSON.parse(text);
  return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
}

function hasText(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && value.toString !== Object.prototype.toString;
}
