// Two directories of a test: the one that is carried away, and the one that servers get.
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { InitCa } from '../../../src/deploy/ca/init-ca.ts';
import type { RenewCa } from '../../../src/deploy/ca/renew-ca.ts';

export const now = new Date('2027-01-02T03:04:05Z');
export const hour = 3_600_000;
export const days = (count: number, from: Date = now): Date => new Date(from.getTime() + count * 24 * hour);

export interface Folders {
  readonly base: string;
  readonly offline: string;
  readonly out: string;
}

export function folders(): Folders {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'eph-')));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  return { base, offline: join(base, 'vault'), out: join(base, 'upstream') };
}

export function asked({ offline, out }: Folders, changes: Partial<InitCa> = {}): InitCa {
  return {
    domain: 'prod.acme.com',
    offline,
    out,
    curve: 'P-256',
    lives: { root: 3650, upstream: 365 },
    authority: 168 * hour,
    now,
    ...changes,
  };
}

export function renewal({ offline, out }: Folders, changes: Partial<RenewCa> = {}): RenewCa {
  return { offline, out, curve: 'P-256', days: 365, authority: 168 * hour, force: false, now, ...changes };
}

/** Every file below a directory, by name. */
export function contentsOf(directory: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(directory.length + 1), readFileSync(path, 'utf8')]),
  );
}
