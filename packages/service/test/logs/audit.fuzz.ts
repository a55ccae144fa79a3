import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { denialsIn, openAudit } from './audit-world.ts';

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      address: fc.nat(30),
      reason: fc.constantFrom('denied', 'no_rule_for_peer', 'no_rule_for_target'),
      times: fc.integer({ min: 1, max: 30 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ pass: fc.integer({ min: 1, max: 25_000 }) }) },
);

describe('the lines and summaries of an audit', () => {
  it('tell of every denial once, whenever they come and from wherever', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 12 }),
        (steps, denialLines, maxDenialKeys) => {
          using world = openAudit({ denialLines, maxDenialKeys });
          let denials = 0;
          for (const each of steps) {
            if ('pass' in each) world.pass(each.pass);
            else {
              for (let i = 0; i < each.times; i++) world.decide({ reason: each.reason, remoteAddress: `10.0.0.${each.address}` });
              denials += each.times;
            }
          }
          world.audit.close();
          expect(denialsIn(world.parsed())).toBe(denials);
        },
      ),
    );
  });
});
