// A report as a checklist for people, or as one document for programs.
import { columns, count, printable, type Style } from '../output/text.ts';
import type { Finding, Result } from './check.ts';
import { type JudgedItem, type JudgedRule, type Report, resultOf } from './judge.ts';

/** The checklist, for a terminal of that many columns. What is to be pasted is never broken. */
export function reportText(report: Report, style: Style, width: number | undefined): string {
  const blocks = report.items.map(
    (item) => `${style.bold(item.id)}  ${item.title}\n${item.rules.map((rule) => ruleText(rule, item, style, width)).join('')}`,
  );
  return `${blocks.join('\n')}\n${summaryText(report, style)}\n`;
}

function summaryText({ counts: { pass, fail, warn, skip } }: Report, style: Style): string {
  const part = (number: number, what: string, tone: (text: string) => string): readonly string[] =>
    number === 0 ? [] : [tone(`${number} ${what}`)];
  const parts = [
    ...part(pass, 'passed', style.good),
    ...part(fail, 'failed', style.bad),
    ...(warn === 0 ? [] : [style.warn(count(warn, 'warning'))]),
    ...part(skip, 'skipped', style.dim),
  ];
  return parts.length === 0 ? 'nothing was checked' : parts.join(', ');
}

const MARKS: Readonly<Record<Result, readonly [text: string, tone: keyof Style]>> = {
  pass: ['pass', 'good'],
  fail: ['FAIL', 'bad'],
  warn: ['warn', 'warn'],
  skip: ['skip', 'dim'],
};
/** Names are at least this wide, so that the checklists of most items are in line. */
const NAME_WIDTH = 10;

function ruleText(rule: JudgedRule, item: JudgedItem, style: Style, width: number | undefined): string {
  const [mark, tone] = MARKS[rule.result];
  const names = item.rules.map(({ id }) => id.length - item.id.length - 1);
  const name = rule.id.slice(item.id.length + 1).padEnd(Math.max(NAME_WIDTH, ...names));
  const row = (text: string): string => `${columns([[style[tone](mark), name, printable(text)]], { indent: '  ', width })}\n`;
  if ('reason' in rule) return row(rule.reason);
  return rule.findings.map((each) => row(each.what) + findingText(each, style, width)).join('');
}

function findingText({ id, evidence, mends, place }: Finding, style: Style, width: number | undefined): string {
  const at = place === undefined ? [] : [['at', place.line === undefined ? place.file : `${place.file}:${place.line}`]];
  const rows = [['id', id], ...at, ...evidence.map((each) => ['seen', each])].map(([label = '', text = '']) => [
    style.dim(label.padEnd(4)),
    printable(text),
  ]);
  const head = `${columns(rows, { indent: '        ', width })}\n`;
  const mended = mends.map(({ how, lines }) => {
    const first = columns([[style.dim('mend'), printable(how)]], { indent: '        ', width });
    return `${first}\n${lines.map((line) => `              ${printable(line)}\n`).join('')}`;
  });
  return head + mended.join('');
}

/** The document. Its exit code stands in it, for whoever keeps the document and not the code. */
export function reportJson({ items, counts }: Report, exitCode: number): object {
  return {
    items: items.map((item) => ({ id: item.id, title: item.title, result: resultOf(item), rules: item.rules.map(ruleJson) })),
    counts,
    exitCode,
  };
}

function ruleJson(rule: JudgedRule): object {
  const { id, title, result } = rule;
  return {
    id,
    title,
    result,
    reason: 'reason' in rule ? rule.reason : null,
    findings: 'reason' in rule ? [] : rule.findings.map(findingJson),
  };
}

function findingJson({ id, severity, what, evidence, mends, place }: Finding): object {
  return { id, severity, what, evidence, mends, file: place?.file ?? null, line: place?.line ?? null };
}
