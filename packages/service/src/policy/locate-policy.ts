// A configuration or a file of rules in; its policy and the line that each rule stands at out.
import { type Policy, parsePolicy } from 'ephemos';
import { byPlace, openDocument } from '../config/document.ts';
import { openPlaces, placeIn, type ValuePlace } from '../config/effective-settings.ts';
import { type LoadOptions, loadConfig, MAX_PROBLEMS } from '../config/load-config.ts';
import { ConfigError } from '../config/problem.ts';
import { checkRules, readPolicy } from './read-policy.ts';

/** A policy, and where it was read. */
export interface LocatedPolicy {
  readonly policy: Policy;
  /** Where the rule at this index stands. */
  placeOf(index: number): ValuePlace;
}

/**
 * Reads the policy of a configuration.
 * @throws {ConfigError} ERR_CONFIG_INVALID, with every problem of the configuration
 */
export function locatePolicy(options: Omit<LoadOptions, 'checkPolicy'> = {}): LocatedPolicy {
  const config = loadConfig({ ...options, checkPolicy: checkRules });
  const policy = readPolicy(config);
  if (config.policy?.file !== undefined) {
    const rules = openDocument(config.policy.file);
    return { policy, placeOf: (index) => placeIn(rules, ['rules', index]) };
  }
  const placeAt = openPlaces(options);
  return {
    policy,
    placeOf: (index) => placeAt(config.policy === undefined ? ['service', 'authorized_clients'] : ['policy', 'rules', index]),
  };
}

/**
 * Reads a file of rules alone.
 * @throws {ConfigError} ERR_CONFIG_INVALID, with every problem of the file
 */
export function locatePolicyFile(path: string): LocatedPolicy {
  const document = openDocument(path);
  const ofRules = document.value === undefined ? [] : checkRules(document.value).map((each) => document.locate(each, 'key'));
  const problems = [...document.problems.map(({ problem }) => problem), ...ofRules].sort(byPlace);
  const [first, ...more] = problems.slice(0, MAX_PROBLEMS);
  if (first !== undefined) throw new ConfigError([first, ...more], problems.length);
  return { policy: parsePolicy(document.value), placeOf: (index) => placeIn(document, ['rules', index]) };
}
