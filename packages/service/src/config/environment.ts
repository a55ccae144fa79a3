// Environment variables in; the values that go over the file, and every problem of the variables, out.
import { isIP } from 'node:net';
import { nearestWord } from 'ephemos/errors';
import type { ConfigProblem } from './problem.ts';
import { listSettings, type Setting, variableByRule } from './settings.ts';
import { checkText } from './text-check.ts';

/** The environment of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The variable that names the file. */
export const CONFIG_PATH_VARIABLE = 'EPHEMOS_CONFIG_PATH';

/** A value that a variable sets. */
export interface Override {
  readonly path: readonly string[];
  readonly variable: string;
  readonly value: unknown;
  /** True when the variable was refused, whatever its key would say of the value. */
  readonly refused: boolean;
}

/** Variables with our prefix that are read elsewhere: by the command, and by the scripts of this repository. */
const READ_ELSEWHERE: ReadonlySet<string> = new Set([CONFIG_PATH_VARIABLE, 'EPHEMOS_DEBUG', 'EPHEMOS_CACHE_DIR', 'EPHEMOS_FUZZ_RUNS']);

/** Variables of the Ephemos for Go that have no counterpart, with what to do instead. */
const RETIRED: ReadonlyMap<string, readonly [message: string, hint: string]> = new Map([
  ['EPHEMOS_INSECURE_SKIP_VERIFY', ['peers are always verified, and nothing turns that off', 'remove this variable']],
  ['EPHEMOS_REQUIRE_AUTHENTICATION', ['callers are always authenticated', 'remove this variable']],
  ['EPHEMOS_DEBUG_ENABLED', ['there is no such variable', 'did you mean EPHEMOS_LOG_LEVEL=debug?']],
  ['EPHEMOS_CONFIG', ['there is no such variable', 'did you mean EPHEMOS_CONFIG_PATH?']],
  ['EPHEMOS_SPIFFE_SOCKET', ['there is no such variable', 'did you mean EPHEMOS_AGENT_SOCKET?']],
  ['EPHEMOS_CACHE_TTL_MINUTES', ['nothing is cached: the Workload API pushes every change', 'remove this variable']],
  ['EPHEMOS_CACHE_REFRESH_MINUTES', ['nothing is cached: the Workload API pushes every change', 'remove this variable']],
  ['EPHEMOS_CERT_ROTATION_THRESHOLD', ['the Workload API says when certificates rotate', 'remove this variable']],
]);

/** Reads the variables that stand for keys, and refuses those that stand for nothing. */
export function readEnvironment(env: Environment): {
  readonly overrides: readonly Override[];
  readonly problems: readonly ConfigProblem[];
} {
  const byVariable = new Map(listSettings().map((setting) => [setting.variable, setting]));
  const links = serviceLinks(env);
  const overrides: Override[] = [];
  const problems: ConfigProblem[] = [];
  for (const [variable, text] of Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const setting = byVariable.get(variable);
    if (text === undefined || READ_ELSEWHERE.has(variable) || (setting === undefined && !variable.startsWith('EPHEMOS_'))) continue;
    if (setting !== undefined) {
      const problem = text === '' ? { message: 'this variable is empty', hint: 'unset it, or give it a value' } : checkText(text);
      if (problem !== undefined) problems.push(problemOf(variable, problem.message, problem.hint));
      overrides.push({ path: setting.path, variable, value: valueFrom(setting, text), refused: problem !== undefined });
    } else if (!links.some((prefix) => isServiceLink(variable, prefix))) {
      problems.push(unknownVariable(variable));
    }
  }
  return { overrides, problems };
}

/** A problem of a variable. */
export function problemOf(variable: string, message: string, hint?: string): ConfigProblem {
  return Object.freeze({ file: undefined, line: undefined, column: undefined, variable, key: '', message, hint });
}

// What is no number or truth value stays a text, and the schema says what was expected.
function valueFrom({ type }: Setting, text: string): unknown {
  switch (type) {
    case 'number':
      return /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' || text === 'false' ? text === 'true' : text;
    case 'list':
      return text.split(',').map((each) => each.trim());
    default:
      return text;
  }
}

function unknownVariable(variable: string): ConfigProblem {
  const retired = RETIRED.get(variable);
  if (retired !== undefined) return problemOf(variable, ...retired);
  const settings = listSettings();
  const renamed = settings.find(({ path }) => variableByRule(path) === variable)?.variable;
  const names = [
    CONFIG_PATH_VARIABLE,
    ...settings.flatMap((each) => (each.variable?.startsWith('EPHEMOS_') === true ? [each.variable] : [])),
  ];
  const bare = new Map(names.map((name) => [name.slice('EPHEMOS_'.length), name]));
  const near = renamed ?? bare.get(nearestWord(variable.slice('EPHEMOS_'.length), bare.keys()) ?? '');
  return problemOf(
    variable,
    'there is no such variable',
    near === undefined ? 'a name is EPHEMOS_<SECTION>_<KEY>' : `did you mean ${near}?`,
  );
}

/**
 * Kubernetes gives each container the addresses of the Services of its namespace (service links), so a Service named `ephemos-web` sets
 * EPHEMOS_WEB_SERVICE_HOST, EPHEMOS_WEB_PORT_8443_TCP and more. The prefixes of such Services, known by their host and port.
 */
function serviceLinks(env: Environment): readonly string[] {
  return Object.entries(env).flatMap(([variable, text = '']) => {
    const [, prefix] = /^(EPHEMOS(?:_[A-Z0-9_]+)?)_SERVICE_HOST$/.exec(variable) ?? [];
    if (prefix === undefined || isIP(text) === 0) return [];
    return /^(tcp|udp|sctp):\/\//.test(env[`${prefix}_PORT`] ?? '') ? [prefix] : [];
  });
}

function isServiceLink(variable: string, prefix: string): boolean {
  return (
    variable.startsWith(`${prefix}_`) &&
    /^(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/.test(variable.slice(prefix.length + 1))
  );
}
