import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/entries/entry.ts';
import { entryIdOf } from '../../src/entries/ownership.ts';
import { conflictsOf, createPlanner, type Plan, sizeOf } from '../../src/entries/plan.ts';
import { entry, node } from './make.ts';

const now = Date.UTC(2026, 0, 1);

function plan(
  wanted: readonly Entry[],
  there: readonly Entry[],
  options: { readonly prune?: boolean; readonly owner?: string } = {},
): Plan {
  const planner = createPlanner(wanted, { owner: 'shop', prune: false, now, ...options });
  for (const each of there) planner.see(each);
  return planner.finish();
}

/** As SPIRE names the entries of others. */
function others(name: string, fields: Partial<Entry> = {}): Entry {
  return entry(name, { entryId: '1c2f6d1e-7c0a-4f0e-9d3c-2a2f0d4a7b11', ...fields });
}

function keyed(name: string, key: string, fields: Partial<Entry> = {}): Entry {
  return entry(name, { entryId: entryIdOf('shop', { spiffeId: `spiffe://example.org/${name}`, parentId: node, key }), ...fields });
}

describe('a plan', () => {
  it('creates what is not there, and leaves alone what is as it should be', () => {
    const made = plan([entry('web'), entry('orders')], [entry('web')]);
    expect(made).toEqual({
      owner: 'shop',
      create: [entry('orders')],
      update: [],
      delete: [],
      unchanged: 1,
      left: [],
      held: [],
      expired: [],
    });
    expect(sizeOf(made)).toBe(1);
  });

  it('is empty after it was done', () => {
    const wanted = [entry('web', { hint: 'x' }), entry('orders')];
    expect(sizeOf(plan(wanted, wanted, { prune: true }))).toBe(0);
  });

  it('changes what differs, in place', () => {
    const wanted = entry('web', { selectors: ['unix:uid:7'] });
    const { update, create } = plan([wanted], [entry('web')]);
    expect(update).toEqual([{ entry: wanted, changes: [{ field: 'selectors', from: ['unix:uid:1001'], to: ['unix:uid:7'] }] }]);
    expect(create).toEqual([]);
  });

  it('mends the SPIFFE ID and the parent of an entry of ours that somebody changed', () => {
    const wanted = entry('web');
    const { update } = plan([wanted], [{ ...wanted, spiffeId: 'spiffe://example.org/evil' }]);
    expect(update.map(({ changes }) => changes.map(({ field }) => field))).toEqual([['spiffe_id']]);
  });

  it('keeps attributes that a file has no key for', () => {
    expect(plan([entry('web')], [entry('web', { otherAttributes: ['jwt_svid_include_jti'] })]).unchanged).toBe(1);
  });

  it('deletes nothing unless it is to prune, and then only what is ours', () => {
    const there = [
      entry('old'),
      others('handmade'),
      entry('theirs', { entryId: entryIdOf('team-2', { ...entry('theirs'), key: undefined }) }),
    ];
    expect(plan([], there)).toMatchObject({ delete: [], left: [entry('old')] });
    expect(plan([], there, { prune: true })).toMatchObject({ delete: [entry('old')], left: [] });
  });

  it('takes nobody for an owner whose name only begins alike', () => {
    const there = [
      entry('old', { entryId: entryIdOf('shop-2', { ...entry('old'), key: undefined }) }),
      entry('x', { entryId: 'ephemos.shop.x' }),
    ];
    expect(plan([], there, { prune: true }).delete).toEqual([]);
  });

  it('shows an equal entry of others, and is done with it', () => {
    const made = plan([entry('web')], [others('web')]);
    expect(made).toMatchObject({ create: [], held: [{ entry: entry('web'), other: others('web'), changes: [] }] });
    expect(conflictsOf(made)).toEqual([]);
  });

  it('shows a different entry of others as a conflict, and leaves it alone', () => {
    const made = plan([entry('web', { hint: 'x' })], [others('web')]);
    expect(made).toMatchObject({ create: [], update: [], held: [{ changes: [{ field: 'hint', from: undefined, to: 'x' }] }] });
    expect(conflictsOf(made)).toHaveLength(1);
  });

  it('does not move an entry of ours to where others are', () => {
    const made = plan([entry('web', { selectors: ['unix:uid:7'] })], [entry('web'), others('web', { selectors: ['unix:uid:7'] })]);
    expect(made).toMatchObject({ update: [], held: [{ changes: [] }] });
  });

  it('goes on with an entry of ours beside an equal one of others', () => {
    const made = plan([entry('web', { hint: 'x' })], [entry('web'), others('web')]);
    expect(made).toMatchObject({ update: [{ changes: [{ field: 'hint' }] }], held: [] });
  });

  it('does not mind entries of others that it has nothing to do with', () => {
    expect(plan([entry('web')], [others('db'), others('web', { selectors: ['unix:uid:7'] })])).toMatchObject({
      create: [entry('web')],
      held: [],
    });
  });

  it('keeps an entry that was given another key', () => {
    const made = plan([keyed('web', 'canary')], [entry('web')], { prune: true });
    expect(made).toMatchObject({ create: [], update: [], delete: [], unchanged: 1 });
  });

  it('changes under the ID that an entry has when only its key is another', () => {
    const made = plan([keyed('web', 'canary', { hint: 'x' })], [entry('web')], { prune: true });
    expect(made.update).toEqual([{ entry: entry('web', { hint: 'x' }), changes: [{ field: 'hint', from: undefined, to: 'x' }] }]);
    expect(made.delete).toEqual([]);
  });

  it('knows an entry by its ID before it knows it by what it grants', () => {
    const [a, b] = [keyed('web', 'a', { selectors: ['x:1'] }), keyed('web', 'b', { selectors: ['x:2'] })];
    const made = plan(
      [
        { ...a, selectors: ['x:2'] },
        { ...b, selectors: ['x:1'] },
      ],
      [a, b],
      { prune: true },
    );
    expect(made).toMatchObject({ create: [], delete: [], unchanged: 0 });
    expect(made.update.map(({ entry: each }) => [each.entryId, each.selectors])).toEqual([
      [a.entryId, ['x:2']],
      [b.entryId, ['x:1']],
    ]);
  });

  it('leaves out what is over', () => {
    const over = entry('web', { expiresAt: now / 1000 });
    const soon = entry('orders', { expiresAt: now / 1000 + 1 });
    expect(plan([over, soon], [])).toMatchObject({ create: [soon], expired: [over] });
    expect(plan([over], [over], { prune: true })).toMatchObject({ delete: [over], expired: [over] });
  });

  it('is made in one pass of 10,000 entries, and keeps none of those that it does not speak of', () => {
    const wanted = Array.from({ length: 10_000 }, (_, index) => entry(`w-${index}`));
    const began = performance.now();
    const planner = createPlanner(wanted, { owner: 'shop', prune: true, now });
    for (const each of wanted) planner.see({ ...each, hint: each.spiffeId.endsWith('7') ? 'x' : '' });
    for (let index = 0; index < 10_000; index++) planner.see(others(`other-${index}`));
    const made = planner.finish();
    expect([made.update.length, made.unchanged, made.held.length]).toEqual([1_000, 9_000, 0]);
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
