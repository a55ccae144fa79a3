import { openDevAgent } from '@ephemos/dev';
import { openX509Source, type X509Source } from 'ephemos';
import { describe, expect, it } from 'vitest';

const trustDomain = 'example.org';
const web = 'spiffe://example.org/web';

describe('a source on the development agent', () => {
  it('follows rotations, new authorities and a restart', async () => {
    await using agent = await openDevAgent({ trustDomain, intermediate: true });
    await using source = await openX509Source({ endpoint: await agent.endpointFor(web) });
    const first = source.svid;
    await agent.rotate();
    await until(source, () => !source.svid.equals(first));
    const second = source.svid;
    await agent.rotateAuthority({ overlap: true });
    await until(source, () => !source.svid.equals(second));
    expect(source.bundles.get(agent.trustDomain)?.size).toBe(2);
    await agent.restart();
    const third = source.svid;
    await agent.rotate();
    await until(source, () => !source.svid.equals(third));
    expect(source.health).toMatchObject({ state: 'ready', connected: true, lastError: undefined });
  });

  it('loses its identity when the agent removes it, and gets it back', async () => {
    await using agent = await openDevAgent({ trustDomain });
    await using source = await openX509Source({ endpoint: await agent.endpointFor(web) });
    await agent.remove(web);
    await until(source, () => source.health.state === 'withdrawn');
    await agent.register({ id: web });
    await until(source, () => source.health.state === 'ready');
  });

  it('keeps the last good update through every kind of bad one', async () => {
    await using agent = await openDevAgent({ trustDomain });
    await using source = await openX509Source({ endpoint: await agent.endpointFor(web) });
    const { svid } = source;
    agent.faults.malformed('key-mismatch');
    agent.faults.emptySvids();
    agent.faults.clear();
    await agent.rotate();
    await until(source, () => !source.svid.equals(svid));
    expect(source.health.lastError).toBeUndefined();
  });

  it('of the shared socket has every identity of its process', async () => {
    const uid = process.getuid?.() ?? 0;
    await using agent = await openDevAgent({
      trustDomain,
      identities: [
        { id: web, uid, hint: 'web' },
        { id: 'spiffe://example.org/api', uid, hint: 'api' },
      ],
    });
    await using source = await openX509Source({ endpoint: agent.sharedEndpoint, hint: 'api' });
    expect(String(source.svid.id)).toBe('spiffe://example.org/api');
    expect(source.svids).toHaveLength(2);
  });
});

/** Resolves as soon as the condition holds, looked at now and after every change. */
function until(source: X509Source, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    function check(): void {
      if (!condition()) return;
      stop();
      resolve();
    }
    const stop = source.subscribe(() => queueMicrotask(check));
    check();
  });
}
