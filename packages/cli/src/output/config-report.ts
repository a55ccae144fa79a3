// What was found in a configuration, as it is told: problems, findings and settings in; a page for people or a document for programs out.
import { isAbsolute, relative, resolve } from 'node:path';
import type { ConfigProblem, EffectiveSetting, ValuePlace } from '@ephemos/service/config';
import { columns, count, printable, type Style } from './text.ts';

/** Something that does not make a configuration invalid. */
export interface Remark {
  /** Stable, such as `log-level.debug`. */
  readonly id: string;
  readonly message: string;
  readonly hint: string;
}

/** A configuration, judged. */
export interface ConfigReport {
  /** What was judged, in a word or as a path. */
  readonly name: string;
  /** The SPIFFE ID of the service; undefined when the configuration is not valid. */
  readonly id: string | undefined;
  readonly problems: readonly ConfigProblem[];
  /** More than `problems` has when those would be a flood. */
  readonly total: number;
  readonly warnings: readonly Remark[];
  /** What speaks against production; undefined when that was not asked. */
  readonly findings: readonly Remark[] | undefined;
  /** Undefined when they were not asked for. */
  readonly settings: readonly EffectiveSetting[] | undefined;
}

/** The problems, each with its place first and its mend below. */
export function problemsText(problems: readonly ConfigProblem[], total: number, style: Style): string {
  const lines = problems.map(({ file, line, column, variable, key, message, hint }) => {
    const place = variable ?? [near(file), line, column].filter((each) => each !== undefined).join(':');
    const about = [variable === undefined ? key : '', message].filter((each) => each !== '').join(': ');
    return `${style.bold(printable(place))}: ${printable(about)}\n${hintLine(hint, style)}`;
  });
  const more = total - problems.length;
  return `${lines.join('')}${more > 0 ? `and ${count(more, 'more problem')}\n` : ''}`;
}

/** The page. */
export function configReportText(report: ConfigReport, style: Style): string {
  const { name, id, problems, total, warnings, findings, settings } = report;
  if (id === undefined) return `${problemsText(problems, total, style)}\n${style.bad(count(total, 'problem'))}\n`;
  const remarks = [
    ...warnings.map((each) => remarkText('warning', each, style)),
    ...(findings ?? []).map((each) => remarkText('finding', each, style)),
  ];
  const parts = [
    settings === undefined ? '' : settingsText(settings, style),
    remarks.join(''),
    `${style.good('valid')}  ${printable(name)}, for ${id}${remarkCount(report)}\n`,
  ];
  return parts.filter((part) => part !== '').join('\n');
}

/** The document. Its exit code stands in it, for whoever keeps the document and not the code. */
export function configReportJson({ id, problems, total, warnings, findings, settings }: ConfigReport, exitCode: number): object {
  return {
    valid: id !== undefined,
    id: id ?? null,
    problems: problems.map(problemJson),
    problemCount: total,
    warnings,
    production: findings === undefined ? null : { fit: findings.length === 0, findings },
    ...(settings === undefined
      ? {}
      : { settings: settings.map(({ key, value, place }) => ({ key, value: value ?? null, ...placeJson(place) })) }),
    exitCode,
  };
}

/** A problem in a document. */
export function problemJson({ key, message, hint, ...place }: ConfigProblem): object {
  return { ...placeJson(place), key, message, hint: hint ?? null };
}

/** A place in a document. */
export function placeJson({ file, line, column, variable }: ValuePlace): object {
  return { file: file ?? null, line: line ?? null, column: column ?? null, variable: variable ?? null };
}

/** A place on a page: `config.yaml:7`, the name of a variable, or `default`. */
export function placeText({ file, line, variable }: ValuePlace): string {
  const shown = near(file);
  if (shown === undefined) return variable ?? 'default';
  return line === undefined ? shown : `${shown}:${line}`;
}

// The path of a policy is absolute, since it starts at its configuration. In the root directory there is nothing to gain.
function near(file: string | undefined): string | undefined {
  if (file === undefined || !isAbsolute(file) || resolve('.') === '/') return file;
  const path = relative('.', file);
  return path === '' || path.startsWith('..') ? file : path;
}

function remarkText(kind: string, { id, message, hint }: Remark, style: Style): string {
  return `${style.warn(kind)}: ${printable(message)} ${style.dim(`(${id})`)}\n${hintLine(hint, style)}`;
}

function hintLine(hint: string | undefined, style: Style): string {
  return hint === undefined ? '' : `  ${style.dim('hint:')} ${printable(hint)}\n`;
}

function remarkCount({ warnings, findings }: ConfigReport): string {
  const against =
    findings === undefined
      ? []
      : [findings.length === 0 ? 'fit for production' : `${count(findings.length, 'finding')} against production`];
  const all = [...(warnings.length === 0 ? [] : [count(warnings.length, 'warning')]), ...against];
  return all.map((each) => `; ${each}`).join('');
}

function settingsText(settings: readonly EffectiveSetting[], style: Style): string {
  const rows = settings.map(({ key, value, place }) => [
    key,
    value === undefined ? style.dim('not set') : printable(valueText(key, value)),
    value === undefined ? '' : style.dim(printable(placeText(place))),
  ]);
  return `${columns(rows)}\n`;
}

function valueText(key: string, value: unknown): string {
  if (!Array.isArray(value)) return String(value);
  return key === 'policy.rules' ? count(value.length, 'rule') : value.join(', ');
}
