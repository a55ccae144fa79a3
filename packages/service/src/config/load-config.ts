// A file and an environment in; one whole configuration out, or every problem of both.
import type { Config, SocketConfig } from './config.ts';
import { DEFAULT_CONFIG_PATH } from './defaults.ts';
import { byPlace, type ConfigDocument, openDocument } from './document.ts';
import { CONFIG_PATH_VARIABLE, type Environment, type Override, problemOf, readEnvironment } from './environment.ts';
import { overlay, overrideAt } from './overlay.ts';
import { type PolicyCheck, readPolicyRules } from './policy-rules.ts';
import { ConfigError, type ConfigProblem, formatPath, type KeyPath } from './problem.ts';
import { readValues, type SchemaProblem } from './schema-problems.ts';
import { listSettings } from './settings.ts';
import { readGivenSocket } from './socket.ts';
import { checkText } from './text-check.ts';

/** An error names at most this many problems. */
export const MAX_PROBLEMS = 200;

/** Where a configuration comes from. */
export interface LoadOptions {
  /** The file; default EPHEMOS_CONFIG_PATH, then /etc/ephemos/config.yaml. `false` for variables alone. */
  readonly path?: string | false | undefined;
  /** Default: the environment of the process. */
  readonly env?: Environment | undefined;
  /** Where the Workload API is, before anything else that says so. */
  readonly socket?: string | undefined;
  /** Judges the rules of the policy. Default: they are taken as they are. */
  readonly checkPolicy?: PolicyCheck | undefined;
}

/**
 * Reads the configuration: the file, with the variables over it. Reads once and keeps nothing open.
 * @example
 * const { service, listen } = loadConfig();
 * const other = loadConfig({ path: './config.yaml', env: { EPHEMOS_LOG_LEVEL: 'debug' } });
 * @throws {ConfigError} ERR_CONFIG_INVALID, with every problem
 */
export function loadConfig(options: LoadOptions = {}): Config {
  const env = options.env ?? process.env;
  const { overrides, problems: variables } = readEnvironment(env);
  const given = readGivenSocket(options.socket, env);
  const path = configPath(options);
  const document = path === undefined ? undefined : openDocument(path);
  const result =
    document !== undefined && document.value === undefined ? unread(document) : readAll(document, path, overrides, options.checkPolicy);
  throwProblems([...result.problems, ...variables, ...(given.problem === undefined ? [] : [given.problem])]);
  if (result.config === undefined) throw new TypeError('a configuration without problems has no values');
  return deepFreeze({ ...result.config, socket: given.socket ?? result.config.socket });
}

interface Result {
  readonly config: Config | undefined;
  readonly problems: readonly ConfigProblem[];
}

function unread({ problems }: ConfigDocument): Result {
  // A problem without a line is one of the file itself.
  const another = `name another file with ${CONFIG_PATH_VARIABLE}`;
  const mended = problems.map(({ problem }) =>
    problem.line === undefined && problem.hint === undefined ? { ...problem, hint: another } : problem,
  );
  return { config: undefined, problems: mended };
}

function readAll(
  document: ConfigDocument | undefined,
  path: string | undefined,
  overrides: readonly Override[],
  check: PolicyCheck | undefined,
): Result {
  const value = overlay(document === undefined ? { service: {} } : document.value, overrides);
  const { values, problems } = readValues(value);
  const base = overrideAt(['policy', 'file'], overrides) === undefined ? path : undefined;
  const policy = readPolicyRules(value, base, check);
  const forms = document?.problems.filter((each) => overrideAt(each.path, overrides) === undefined) ?? [];
  const spoilt = new Set(forms.map((each) => formatPath(each.path)));
  const keys = [...problems, ...policy.inline.map((each): SchemaProblem => ({ ...each, at: 'key' }))].filter(
    (each) => !spoilt.has(formatPath(each.path)),
  );
  const ofVariables: ConfigProblem[] = [];
  const ofFile = forms.map(({ problem }) => problem);
  for (const each of keys) {
    const override = overrideAt(each.path, overrides);
    if (override?.refused === true) continue;
    if (override !== undefined) ofVariables.push(problemOf(override.variable, withEntry(each.path, each.message), each.hint));
    else if (document !== undefined) ofFile.push(document.locate(each, each.at));
    else ofVariables.push(problemOf(variableOf(each.path) ?? formatPath(each.path), 'this variable is not set', 'set it, or write a file'));
  }
  const all = [...ofFile.sort(byPlace), ...policy.problems, ...ofVariables];
  if (values === undefined) return { config: undefined, problems: all };
  const { agent, policy: _, ...sections } = values;
  const files = [document?.file, policy.file].filter((each) => each !== undefined);
  return { config: { ...sections, socket: socketOf(agent.socketPath, overrides), policy: policy.policy, files }, problems: all };
}

/**
 * The file that these options stand for; `undefined` for variables alone.
 * @throws {ConfigError} ERR_CONFIG_INVALID when EPHEMOS_CONFIG_PATH holds no path
 */
export function configPath({ path, env = process.env }: LoadOptions): string | undefined {
  return path === false ? undefined : (path ?? pathFromEnv(env));
}

function pathFromEnv(env: Environment): string {
  const path = env[CONFIG_PATH_VARIABLE] ?? DEFAULT_CONFIG_PATH;
  const problem = path === '' ? { message: 'this variable is empty', hint: 'unset it, or give it the path of a file' } : checkText(path);
  if (problem !== undefined) throwProblems([problemOf(CONFIG_PATH_VARIABLE, problem.message, problem.hint)]);
  return path;
}

function socketOf(endpoint: string | undefined, overrides: readonly Override[]): SocketConfig | undefined {
  if (endpoint === undefined) return undefined;
  const set = overrideAt(['agent', 'socketPath'], overrides) !== undefined;
  return { endpoint, origin: set ? 'EPHEMOS_AGENT_SOCKET' : 'agent.socketPath' };
}

// In a list that a variable sets, people count from one.
function withEntry(path: KeyPath, message: string): string {
  const last = path.at(-1);
  return typeof last === 'number' ? `entry ${last + 1}: ${message}` : message;
}

function variableOf(path: KeyPath): string | undefined {
  return listSettings().find((each) => formatPath(each.path) === formatPath(path))?.variable;
}

function throwProblems(problems: readonly ConfigProblem[]): void {
  const [first, ...more] = problems.slice(0, MAX_PROBLEMS);
  if (first !== undefined) throw new ConfigError([first, ...more], problems.length);
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const each of Object.values(value)) deepFreeze(each);
  return Object.freeze(value);
}
