import { describe, expect, it } from 'vitest';
import { finding, found, type Item, mend, pass, skip, type Verdict } from '../../src/doctor/check.ts';
import { exitCodeOfReport, judge, resultOf } from '../../src/doctor/judge.ts';
import { reportJson, reportText } from '../../src/doctor/report-text.ts';
import { createStyle } from '../../src/output/text.ts';

const error = finding('spire.reachable.socket.missing', 'nothing is there', {
  evidence: ['\u001b[31mred\u202e'],
  mends: [mend('start it', "echo '\u001b[2J'")],
});
const warning = finding('spire.reachable.svid.not-renewed', 'it is late', {
  evidence: [],
  mends: [mend('look', 'true')],
  place: { file: 'agent.conf', line: 7 },
});

function items(...verdicts: readonly Verdict[]): readonly Item<undefined>[] {
  const rules = verdicts.map((verdict, index) => ({ id: `item.rule${index}`, title: `rule ${index}`, judge: () => verdict }));
  return [{ id: 'item', title: 'an item', rules }];
}

describe('a report', () => {
  it('counts what was skipped as nothing but skipped', () => {
    const report = judge(items(skip('not asked'), skip('not asked')), undefined);
    expect(report.counts).toEqual({ pass: 0, fail: 0, warn: 0, skip: 2 });
    expect(report.items.map(resultOf)).toEqual(['skip']);
    expect(reportText(report, createStyle(false), undefined)).toMatch(/\n2 skipped\n$/);
  });

  it.each<[verdicts: readonly Verdict[], result: string, code: number, strict: number]>([
    [[pass('well'), skip('not asked')], 'pass', 0, 0],
    [[pass('well'), found(warning)], 'warn', 0, 5],
    [[found(warning), found(error)], 'fail', 1, 1],
    [[found(warning, error)], 'fail', 1, 1],
  ])('%#: is as bad as the worst, and its exit code says so', (verdicts, result, code, strict) => {
    const report = judge(items(...verdicts), undefined);
    expect(report.items.map(resultOf)).toEqual([result]);
    expect([exitCodeOfReport(report, false), exitCodeOfReport(report, true)]).toEqual([code, strict]);
  });

  it('has the rules that are wanted, and no item without one', () => {
    expect(judge(items(pass('a'), pass('b')), undefined, (id) => id === 'item.rule1').items[0]?.rules).toHaveLength(1);
    expect(judge(items(pass('a')), undefined, () => false).items).toEqual([]);
  });

  it('is a page where nothing from outside reaches the terminal, with file and line', () => {
    expect(reportText(judge(items(pass('well'), found(error), found(warning), skip('not asked')), undefined), createStyle(false), 80)).toBe(
      `item  an item
  pass  rule0       well
  FAIL  rule1       nothing is there
        id    spire.reachable.socket.missing
        seen  \\u{1b}[31mred\\u{202e}
        mend  start it
              echo '\\u{1b}[2J'
  warn  rule2       it is late
        id    spire.reachable.svid.not-renewed
        at    agent.conf:7
        mend  look
              true
  skip  rule3       not asked

1 passed, 1 failed, 1 warning, 1 skipped
`,
    );
  });

  it('is a document for programs', () => {
    const report = judge(items(found(warning), skip('not asked')), undefined);
    expect(reportJson(report, 5)).toEqual({
      items: [
        {
          id: 'item',
          title: 'an item',
          result: 'warn',
          rules: [
            {
              id: 'item.rule0',
              title: 'rule 0',
              result: 'warn',
              reason: null,
              findings: [
                {
                  id: 'spire.reachable.svid.not-renewed',
                  severity: 'warning',
                  what: 'it is late',
                  evidence: [],
                  mends: [{ how: 'look', lines: ['true'] }],
                  file: 'agent.conf',
                  line: 7,
                },
              ],
            },
            { id: 'item.rule1', title: 'rule 1', result: 'skip', reason: 'not asked', findings: [] },
          ],
        },
      ],
      counts: { pass: 0, fail: 0, warn: 1, skip: 1 },
      exitCode: 5,
    });
  });

  it('has colours where the terminal takes them', () => {
    const text = reportText(judge(items(found(error)), undefined), createStyle(true), undefined);
    expect(text).toContain('\u001b[31mFAIL\u001b[0m');
  });
});
