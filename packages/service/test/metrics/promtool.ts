// promtool, the checker of Prometheus: where it is, and what it says of a scrape.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where promtool is, or what to say when it is not there. */
export type FoundPromtool =
  | { readonly path: string; readonly missing?: undefined }
  | { readonly path?: undefined; readonly missing: string };

/** Looks at EPHEMOS_PROMTOOL, then on PATH. */
export function findPromtool(env: Readonly<Record<string, string | undefined>> = process.env): FoundPromtool {
  const own = env['EPHEMOS_PROMTOOL'];
  if (own !== undefined && own !== '') {
    return isExecutable(own) ? { path: own } : { missing: `EPHEMOS_PROMTOOL is ${own}, which cannot be run` };
  }
  const path = (env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'promtool'))
    .find(isExecutable);
  if (path !== undefined) return { path };
  return { missing: 'promtool is not on PATH: install the package "prometheus" (Debian, Homebrew), or set EPHEMOS_PROMTOOL' };
}

/** Runs `promtool check metrics` on a scrape. */
export async function checkMetrics(promtool: string, text: string): Promise<{ readonly code: unknown; readonly output: string }> {
  const child = spawn(promtool, ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      output += part;
    });
  }
  child.stdin.on('error', () => undefined).end(text);
  const [code] = await once(child, 'close');
  return { code, output };
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
