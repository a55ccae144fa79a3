// A program in a process of its own, with the built packages: what it prints and how it ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { bounded } from './events.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

/** Put in front of a program, makes it print, at its very end, how many milliseconds it stayed after `ready()` was called. */
export const TELLS_HOW_LONG_IT_STAYED = `
  let readyAt = Number.NaN;
  const ready = () => { readyAt = performance.now(); };
  process.once('exit', () => process.stdout.write(String(Math.round(performance.now() - readyAt))));
`;

export async function runProgram(code: string, endpoint: string): Promise<{ readonly code: unknown; readonly output: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: root,
    env: { ...process.env, SPIFFE_ENDPOINT_SOCKET: endpoint },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes: Buffer) => {
      output += bytes.toString();
    });
  }
  try {
    const [exit]: readonly unknown[] = await bounded(once(child, 'close'), 'the end of the process');
    return { code: exit, output };
  } finally {
    child.kill();
  }
}
