import { openDevAgent } from '@ephemos/dev';
import { openX509Source, type X509Source } from 'ephemos';
import { describe, expect, it } from 'vitest';
import { toWire } from '../../src/spire-server/wire.ts';
import { directoryWith, entry, node } from '../entries/make.ts';
import { ephemos } from '../support/ephemos.ts';
import { openSpireServer } from '../support/spire-server.ts';

const trustDomain = 'example.org';
const ops = 'spiffe://example.org/ops';

/** A trust domain, the identity of its SPIRE server, and the endpoint of somebody. */
async function openWorld(
  server = 'spiffe://example.org/spire/server',
): Promise<AsyncDisposable & { readonly source: X509Source; readonly endpoint: string }> {
  const agent = await openDevAgent({ trustDomain });
  const source = await openX509Source({ endpoint: await agent.endpointFor(server) });
  return {
    source,
    endpoint: await agent.endpointFor(ops),
    async [Symbol.asyncDispose]() {
      await source.close();
      await agent.close();
    },
  };
}

describe('over mTLS', () => {
  it('comes with the SVID of this process and asks the server of its trust domain', async () => {
    await using world = await openWorld();
    await using fake = await openSpireServer(world.source);
    fake.add(toWire(entry('web')));
    const end = await ephemos(['entries', 'list', '--server', fake.address, '--socket', world.endpoint]);
    expect(end).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/\n1 entry\n$/) });
  });

  it('asks nobody else, whoever answers', async () => {
    await using world = await openWorld('spiffe://example.org/impostor');
    await using fake = await openSpireServer(world.source);
    const end = await ephemos(['entries', 'list', '--server', fake.address], { env: { SPIFFE_ENDPOINT_SOCKET: world.endpoint } });
    expect(end).toMatchObject({ code: 4, stdout: '', stderr: expect.stringContaining('spiffe://example.org/impostor') });
    expect(fake.calls).toEqual([]);
  });

  it('goes on when the server ends the connection between two calls', async () => {
    await using world = await openWorld();
    await using fake = await openSpireServer(world.source);
    fake.before = (method) => {
      if (method === 'batchCreateEntry') fake.goAway();
    };
    const items = Array.from(
      { length: 450 },
      (_, index) => `  - { spiffe_id: spiffe://example.org/w-${index}, parent_id: ${node}, selectors: [a:b] }\n`,
    );
    const cwd = directoryWith({ 'entries.yaml': `owner: shop\nentries:\n${items.join('')}` });
    const end = await ephemos(['entries', 'apply', '-f', 'entries.yaml', '--server', fake.address, '--socket', world.endpoint], { cwd });
    expect(end).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/\n450 created in /) });
    expect(fake.entries.size).toBe(450);
    expect(fake.calls.filter((call) => call === 'batchCreateEntry').length).toBeGreaterThanOrEqual(5);
  });

  it('says at once that there is no such SVID', async () => {
    await using world = await openWorld();
    const end = await ephemos([
      'entries',
      'list',
      '--server',
      '127.0.0.1:1',
      '--socket',
      world.endpoint,
      '--as',
      'spiffe://example.org/root',
    ]);
    expect(end).toMatchObject({
      code: 4,
      stderr: `error: the Workload API gives this process no spiffe://example.org/root\nhint: there are: ${ops}\n`,
    });
  });
});
