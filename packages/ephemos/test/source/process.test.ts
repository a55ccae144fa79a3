// What a source may not do to its process, seen from outside: the built package in a child process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openDevAgent } from '@ephemos/dev';
import { describe, expect, it } from 'vitest';
import { bounded } from '../support/events.ts';

const WEB = 'spiffe://example.org/web';
const root = fileURLToPath(new URL('../../../../', import.meta.url));

async function run(code: string, endpoint: string): Promise<{ readonly code: unknown; readonly output: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: root,
    env: { ...process.env, SPIFFE_ENDPOINT_SOCKET: endpoint },
  });
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => {
    output += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    output += bytes.toString();
  });
  const [exit]: readonly unknown[] = await bounded(once(child, 'close'), 'the end of the process');
  return { code: exit, output };
}

describe('a process', () => {
  it('ends by itself while a source is open, and stays until the source has opened', async () => {
    await using agent = await openDevAgent({ trustDomain: 'example.org' });
    const endpoint = await agent.endpointFor(WEB);
    await agent.remove(WEB);
    const ended = run(
      `import { openX509Source } from 'ephemos'; const source = await openX509Source(); console.log(String(source.svid.id));`,
      endpoint,
    );
    await agent.register({ id: WEB });
    expect(await ended).toEqual({ code: 0, output: `${WEB}\n` });
  });

  it('stays while the raw client watches, and ends when it is closed', async () => {
    await using agent = await openDevAgent({ trustDomain: 'example.org' });
    const code = `
      import { createWorkloadApiClient } from 'ephemos/workload-api';
      const client = createWorkloadApiClient();
      let updates = 0;
      for await (const { type } of client.watchX509Contexts()) {
        console.log(type);
        updates += 1;
        // Nothing else keeps the process alive for this second.
        if (updates === 1) setTimeout(() => client.close(), 1000).unref();
      }
      console.log('closed');`;
    expect(await run(code, await agent.endpointFor(WEB))).toEqual({ code: 0, output: 'update\nclosed\n' });
  });

  it('is told by a warning after three seconds why it has no identity', async () => {
    await using agent = await openDevAgent({ trustDomain: 'example.org' });
    const endpoint = await agent.endpointFor(WEB);
    await agent.remove(WEB);
    const code = `import { openX509Source } from 'ephemos'; await openX509Source({ timeout: 3500 }).catch(({ code }) => console.log(code));`;
    const { output } = await run(code, endpoint);
    expect(output).toContain('still waiting for an identity: the Workload API grants no identity: no identity issued');
    expect(output).toContain('hint: register this workload');
    expect(output.trim().endsWith('ERR_WORKLOAD_API_PERMISSION_DENIED')).toBe(true);
  });
});
