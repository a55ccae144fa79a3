import { join } from 'node:path';
import { createTestAuthority, openDevAgent } from '@ephemos/dev';
import { describe, expect, it } from 'vitest';
import { openDirectory } from '../support/directory.ts';
import { ephemos, lines, start } from '../support/ephemos.ts';

const trustDomain = 'example.org';
const web = 'spiffe://example.org/web';

describe('ephemos watch', () => {
  it('prints a line for every change and ends with 0 on Ctrl-C', async () => {
    await using agent = await openDevAgent({ trustDomain });
    await using watch = start(['watch', '--socket', await agent.endpointFor(web), '--format', 'json']);
    await watch.until(/"bundle-added"/);
    await agent.rotate();
    await watch.until(/"rotated"/);
    agent.federate('partner.example', await createTestAuthority('partner.example').bundleDer());
    await watch.until(/"bundle-added".*partner/);
    agent.unfederate('partner.example');
    await watch.until(/"bundle-removed"/);
    await agent.rotateAuthority({ overlap: false });
    await watch.until(/"bundle-changed"/);
    await agent.remove(web);
    await watch.until(/"withdrawn"/);
    await agent.register({ id: web });
    await watch.until(/"withdrawn"[\s\S]*"issued"/);
    await agent.restart();
    await watch.until(/"agent-back"/);
    const { code, stdout, stderr } = await watch.stop('SIGINT');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const events = lines(stdout);
    expect(events[0]).toEqual({
      time: expect.any(String),
      event: 'issued',
      id: web,
      hint: '',
      notBefore: expect.any(String),
      notAfter: expect.any(String),
    });
    expect(events.find(({ event }) => event === 'bundle-changed')).toMatchObject({ trustDomain, authorities: 1, added: 1, removed: 1 });
    expect(events.find(({ event }) => event === 'withdrawn')).toMatchObject({
      error: { code: 'ERR_WORKLOAD_API_PERMISSION_DENIED', hint: expect.stringContaining('ephemos dev restore') },
    });
    expect(events.some(({ event }) => event === 'agent-lost')).toBe(true);
  });

  it('reads well', async () => {
    await using agent = await openDevAgent({ trustDomain });
    await using watch = start(['watch', '--socket', await agent.endpointFor(web)]);
    await watch.until(/bundle/);
    await agent.remove(web);
    const text = await watch.until(/hint: /);
    const [issued, bundle, withdrawn, hint] = text.split('\n');
    expect(issued).toMatch(/^\d\d:\d\d:\d\dZ {2}issued {8}spiffe:\/\/example\.org\/web {2}until .*, .* left$/);
    expect(bundle).toMatch(/^\d\d:\d\d:\d\dZ {2}bundle {8}example\.org added, 1 authority$/);
    expect(withdrawn).toMatch(/Z {2}withdrawn {5}the Workload API grants no identity/);
    expect(hint).toMatch(/^ {25}hint: a development agent/);
    expect(await watch.stop('SIGTERM')).toMatchObject({ code: 0 });
  });

  it('waits for an identity that is not issued yet', async () => {
    await using agent = await openDevAgent({ trustDomain });
    const endpoint = await agent.endpointFor(web);
    await agent.remove(web);
    await using watch = start(['watch', '--socket', endpoint, '--format', 'json']);
    await watch.until(/"refused"/);
    await agent.register({ id: web });
    await watch.until(/"issued"/);
  });

  it('ends with 3 at once when there is no such socket', async () => {
    await using directory = await openDirectory();
    const end = await ephemos(['watch', '--socket', `unix://${join(directory.path, 'none.sock')}`]);
    expect(end).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('hint: nothing is at') });
  });

  it('ends in order when nobody reads what it prints', async () => {
    await using agent = await openDevAgent({ trustDomain });
    await using watch = start(['watch', '--socket', await agent.endpointFor(web)]);
    await watch.until(/bundle/);
    watch.child.stdout.destroy();
    await agent.rotate();
    expect(await watch.finished).toMatchObject({ code: 0, stderr: '' });
  });
});
