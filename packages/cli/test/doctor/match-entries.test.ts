import { describe, expect, it } from 'vitest';
import { compare, createEntryMatcher, type Seen } from '../../src/doctor/live/match-entries.ts';
import { newEntry } from '../../src/entries/entry.ts';

const seen: Seen = {
  selectors: ['unix:uid:1000', 'unix:user:web', 'unix:gid:1000'],
  complete: false,
  conditional: ['unix:path:/usr/bin/node'],
};
let made = 0;

function entry(name: string, ...selectors: readonly string[]) {
  made += 1;
  return {
    ...newEntry({ spiffeId: `spiffe://example.org/${name}`, parentId: 'spiffe://example.org/agent', selectors }),
    entryId: `e${made}`,
  };
}

describe('compare', () => {
  it('tells what fits, what differs, what depends on the agent and what only the agent knows', () => {
    const all = entry(
      'web',
      'unix:uid:1000',
      'unix:gid:7',
      'unix:path:/usr/bin/node',
      'k8s:ns:shop',
      'unix:sha256:abc',
      'unix:path:/bin/sh',
    );
    expect(compare(all, seen)).toMatchObject({
      matched: ['unix:uid:1000'],
      different: ['unix:gid:7', 'unix:path:/bin/sh'],
      conditional: ['unix:path:/usr/bin/node'],
      unknown: ['k8s:ns:shop', 'unix:sha256:abc'],
    });
  });

  it('has no doubts when the agent said what it saw', () => {
    const told = compare(entry('web', 'unix:path:/usr/bin/node', 'k8s:ns:shop'), { ...seen, complete: true });
    expect(told).toMatchObject({ different: ['unix:path:/usr/bin/node', 'k8s:ns:shop'], conditional: [], unknown: [] });
  });
});

describe('an entry matcher', () => {
  it('keeps those that fit, and the nearest others, the best first', () => {
    const matcher = createEntryMatcher(seen, undefined);
    const [far, near, nearer, fits] = [
      entry('far', 'unix:uid:7', 'unix:gid:7'),
      entry('near', 'unix:uid:7', 'unix:gid:1000', 'k8s:ns:shop'),
      entry('nearer', 'unix:uid:7', 'unix:gid:1000'),
      entry('fits', 'unix:user:web'),
    ];
    for (const each of [far, near, nearer, fits]) matcher.see(each);
    expect(matcher.fitting.map((each) => each.entry.spiffeId)).toEqual(['spiffe://example.org/fits']);
    expect(matcher.nearest().map((each) => each.entry.spiffeId)).toEqual([
      'spiffe://example.org/nearer',
      'spiffe://example.org/near',
      'spiffe://example.org/far',
    ]);
  });

  it('calls nothing near in a large server that shares no selector', () => {
    const matcher = createEntryMatcher(seen, undefined);
    for (let index = 0; index < 10_000; index += 1) matcher.see(entry(`other${index}`, `unix:uid:${20_000 + index}`));
    expect(matcher.nearest()).toEqual([]);
    matcher.see(entry('web', 'unix:uid:1000', 'unix:gid:1001'));
    expect(matcher.nearest().map((each) => each.entry.spiffeId)).toEqual(['spiffe://example.org/web']);
    expect(matcher.count).toBe(10_001);
  });

  it('calls only entries of the wanted identity near, whatever else there is', () => {
    const matcher = createEntryMatcher(seen, 'spiffe://example.org/web');
    matcher.see(entry('api', 'unix:uid:1000', 'unix:gid:7'));
    expect(matcher.nearest()).toEqual([]);
    for (let index = 0; index < 100; index += 1) matcher.see(entry(`n${index}`, 'unix:uid:1000', 'unix:gid:7'));
    matcher.see(entry('web', 'unix:uid:7', 'unix:gid:7', 'unix:user:other'));
    expect(matcher.nearest().map((each) => each.entry.spiffeId)).toEqual(['spiffe://example.org/web']);
  });

  it('takes an entry for nodes for an alias and for nothing else', () => {
    const matcher = createEntryMatcher(seen, undefined);
    matcher.see({ ...entry('node', 'unix:uid:1000'), parentId: 'spiffe://example.org/spire/server' });
    expect(matcher.fitting).toEqual([]);
    expect(matcher.aliases).toHaveLength(1);
  });
});
