// A report as JUnit XML: an item is a suite, a rule a test case.
import { printable } from '../output/text.ts';
import type { Finding } from './check.ts';
import type { JudgedItem, JudgedRule, Report } from './judge.ts';

/** The document. @param strict warnings fail too */
export function reportJunit({ items, counts }: Report, strict: boolean): string {
  const all = counts.pass + counts.fail + counts.warn + counts.skip;
  const failed = counts.fail + (strict ? counts.warn : 0);
  const suites = items.map((item) => suite(item, strict)).join('');
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${attributes({ name: 'ephemos doctor', tests: all, failures: failed, errors: 0, skipped: counts.skip })}>\n${suites}</testsuites>\n`;
}

function suite({ id, title, rules }: JudgedItem, strict: boolean): string {
  const number = (of: (rule: JudgedRule) => boolean): number => rules.filter(of).length;
  const head = attributes({
    name: id,
    tests: rules.length,
    failures: number((rule) => fails(rule, strict)),
    errors: 0,
    skipped: number(({ result }) => result === 'skip'),
  });
  const property = `    <properties><property${attributes({ name: 'title', value: title })}/></properties>\n`;
  return `  <testsuite${head}>\n${property}${rules.map((rule) => testCase(id, rule, strict)).join('')}  </testsuite>\n`;
}

function fails({ result }: JudgedRule, strict: boolean): boolean {
  return result === 'fail' || (strict && result === 'warn');
}

function testCase(item: string, rule: JudgedRule, strict: boolean): string {
  const head = attributes({ classname: item, name: rule.id.slice(item.length + 1) });
  return `    <testcase${head}>\n${body(rule, strict)}    </testcase>\n`;
}

function body(rule: JudgedRule, strict: boolean): string {
  if ('reason' in rule) {
    return rule.result === 'skip'
      ? `      <skipped${attributes({ message: rule.reason })}/>\n`
      : `      <system-out>${escapeXml(rule.reason)}</system-out>\n`;
  }
  const { findings } = rule;
  const text = findings.map(findingText).join('\n\n');
  const [first] = findings;
  // A rule that only warns has passed as far as JUnit knows, unless warnings count.
  if (!fails(rule, strict)) return `      <system-out>${escapeXml(text)}</system-out>\n`;
  const message = findings.length === 1 ? (first?.what ?? '') : `${first?.what ?? ''} (and ${findings.length - 1} more)`;
  return `      <failure${attributes({ type: first?.id ?? '', message })}>${escapeXml(text)}</failure>\n`;
}

function findingText({ id, severity, what, evidence, mends, place }: Finding): string {
  const at = place === undefined ? '' : `${place.file}${place.line === undefined ? '' : `:${place.line}`}: `;
  return [
    `${printable(at)}${severity}: ${printable(what)} (${id})`,
    ...evidence.map((each) => `  seen: ${printable(each)}`),
    ...mends.flatMap(({ how, lines }) => [`  mend: ${printable(how)}`, ...lines.map((line) => `    ${printable(line)}`)]),
  ].join('\n');
}

function attributes(given: Readonly<Record<string, string | number>>): string {
  return Object.entries(given)
    .map(([name, value]) => ` ${name}="${escapeXml(printable(String(value)))}"`)
    .join('');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

// XML 1.0 has no way to write most control characters, nor U+FFFE, U+FFFF and halves of pairs.
function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
