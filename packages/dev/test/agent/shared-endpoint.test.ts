import { openDevAgent } from '@ephemos/dev';
import { SpiffeId } from 'ephemos/spiffe';
import { describe, expect, it } from 'vitest';
import { openPeerCredentials } from '../../src/agent/peer-credentials.ts';
import { type Entry, entryFits } from '../../src/registry/entry.ts';
import { codeOf, openSvidStream } from './raw-client.ts';

const trustDomain = 'example.org';
const uid = process.getuid?.() ?? 0;
const gid = process.getgid?.() ?? 0;

describe.runIf(process.platform === 'linux' || process.platform === 'darwin')('the shared socket', () => {
  it('gives a caller every identity whose uid, gid and pid all fit, and no other', async () => {
    await using agent = await openDevAgent({
      trustDomain,
      identities: [
        { id: 'spiffe://example.org/by-uid', uid },
        { id: 'spiffe://example.org/by-gid', gid, hint: 'group' },
        { id: 'spiffe://example.org/by-all', uid, gid, pid: process.pid },
        { id: 'spiffe://example.org/other-uid', uid: uid + 1 },
        { id: 'spiffe://example.org/other-pid', uid, pid: process.pid + 1 },
        { id: 'spiffe://example.org/nobody' },
      ],
    });
    if (agent.sharedEndpoint === undefined) throw new TypeError(agent.sharedUnavailable);
    await using stream = openSvidStream(agent.sharedEndpoint);
    const { svids } = await stream.next();
    expect(svids.map(({ spiffeId, hint }) => [spiffeId, hint])).toEqual([
      ['spiffe://example.org/by-uid', ''],
      ['spiffe://example.org/by-gid', 'group'],
      ['spiffe://example.org/by-all', ''],
    ]);
  });

  it('refuses a caller that fits nothing, until something is registered for it', async () => {
    await using agent = await openDevAgent({ trustDomain, identities: [{ id: 'spiffe://example.org/web', uid: uid + 1 }] });
    const endpoint = agent.sharedEndpoint ?? '';
    expect(await codeOf(openSvidStream(endpoint).next())).toBe('PermissionDenied');
    await agent.register({ id: 'spiffe://example.org/web', uid });
    await using stream = openSvidStream(endpoint);
    expect((await stream.next()).svids).toHaveLength(1);
  });

  it('tells in its events who called', async () => {
    const callers: unknown[] = [];
    await using agent = await openDevAgent({
      trustDomain,
      identities: [{ id: 'spiffe://example.org/web', uid }],
      onEvent: (event) => {
        if (event.type === 'stream-opened') callers.push(event.stream.caller);
      },
    });
    await using stream = openSvidStream(agent.sharedEndpoint ?? '');
    await stream.next();
    expect(callers).toEqual([{ uid, gid, pid: process.pid }]);
  });
});

describe('an entry', () => {
  const caller = { uid: 1000, gid: 100, pid: 42 };
  const entry: Entry = {
    id: SpiffeId.parse('spiffe://example.org/web'),
    hint: '',
    dnsNames: [],
    uid: undefined,
    gid: undefined,
    pid: undefined,
  };

  it.each([
    [{ uid: 1000 }, true],
    [{ gid: 100 }, true],
    [{ pid: 42 }, true],
    [{ uid: 1000, gid: 100, pid: 42 }, true],
    [{ uid: 0 }, false],
    [{ uid: 1000, gid: 0 }, false],
    [{ uid: 1000, pid: 43 }, false],
    [{}, false],
  ])('with %j fits uid 1000, gid 100, pid 42: %s', (parts, fits) => {
    expect(entryFits({ ...entry, ...parts }, caller)).toBe(fits);
  });

  it('that names a pid does not fit a caller whose pid is unknown', () => {
    expect(entryFits({ ...entry, pid: 42 }, { ...caller, pid: undefined })).toBe(false);
  });
});

describe('peer credentials', () => {
  it('are said to be unavailable, and why, when the optional package koffi is not installed', async () => {
    const credentials = await openPeerCredentials(() => Promise.reject(new Error("Cannot find package 'koffi'\nrequire stack")));
    expect(credentials).toEqual({ unavailable: "the optional package koffi cannot be loaded: Cannot find package 'koffi'" });
  });
});
