// A report as SARIF 2.1.0: each finding of the table is a rule, each finding of the report a result. What was skipped is told as a notification.
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { printable } from '../output/text.ts';
import type { Finding, Place } from './check.ts';
import { findingTable } from './findings.ts';
import type { JudgedRule, Report } from './judge.ts';

/** What the document says beside the report. */
export interface SarifOptions {
  readonly exitCode: number;
  readonly version: string;
  /** What places are told relative to. */
  readonly directory: string;
}

/** The document. */
export function reportSarif({ items }: Report, { exitCode, version, directory }: SarifOptions): object {
  const rules = items.flatMap((item) => item.rules);
  const findings = rules.flatMap((rule) => ('reason' in rule ? [] : rule.findings));
  const ids = Object.keys(findingTable);
  const skipped = rules.filter(({ result }) => result === 'skip');
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'ephemos doctor',
            version,
            rules: Object.entries(findingTable).map(([id, { severity, means }]) => ({
              id,
              shortDescription: { text: means },
              defaultConfiguration: { level: severity },
              properties: { tags: [itemOf(id)] },
            })),
            notifications: skipped.map(({ id, title }) => ({ id, shortDescription: { text: title } })),
          },
        },
        invocations: [
          {
            executionSuccessful: true,
            exitCode,
            toolExecutionNotifications: skipped.map((rule, index) => ({
              descriptor: { id: rule.id, index },
              level: 'note',
              message: { text: `skipped, not looked at: ${printable(reasonOf(rule))}` },
            })),
          },
        ],
        columnKind: 'utf16CodeUnits',
        results: findings.map((each) => result(each, ids.indexOf(each.id), directory)),
      },
    ],
  };
}

function reasonOf(rule: JudgedRule): string {
  return 'reason' in rule ? rule.reason : '';
}

function itemOf(id: string): string {
  return id.split('.').slice(0, 2).join('.');
}

function result({ id, severity, what, evidence, mends, place }: Finding, ruleIndex: number, directory: string): object {
  const lines = [
    what,
    ...evidence.map((each) => `Seen: ${each}`),
    ...mends.flatMap((mend) => [`Mend: ${mend.how}`, ...mend.lines.map((line) => `  ${line}`)]),
  ];
  return {
    ruleId: id,
    ...(ruleIndex === -1 ? {} : { ruleIndex }),
    level: severity,
    message: { text: lines.map(printable).join('\n') },
    ...(place === undefined ? {} : { locations: [{ physicalLocation: location(place, directory) }] }),
  };
}

function location({ file, line }: Place, directory: string): object {
  return { artifactLocation: artifact(file, directory), region: { startLine: Math.max(1, line ?? 1) } };
}

// Relative to the root of the sources, as whoever shows the report knows it.
function artifact(file: string, directory: string): object {
  const way = relative(directory, resolve(directory, file));
  if (way === '' || way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way))
    return { uri: pathToFileURL(resolve(directory, file)).href };
  return { uri: way.split(sep).map(encodeURIComponent).join('/'), uriBaseId: '%SRCROOT%' };
}
