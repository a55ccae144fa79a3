// The policy of now: configurations in, the answers of both gates out. A reload replaces it whole.
import { type Authorizer, createPolicyAuthorizer, type Policy } from 'ephemos';
import type { Config } from '../config/config.ts';
import { readPolicy } from './read-policy.ts';

/** A policy that can be replaced. */
export interface LivePolicy {
  readonly current: Policy;
  readonly authorize: Authorizer;
  /** Takes the policy of a configuration into use. Call `reauthorize()` of the listeners afterwards. */
  replace(config: Config): void;
}

/** @throws {EphemosError} ERR_POLICY_INVALID */
export function createLivePolicy(config: Config): LivePolicy {
  let current = readPolicy(config);
  return {
    get current() {
      return current;
    },
    authorize: createPolicyAuthorizer(() => current),
    replace(next) {
      current = readPolicy(next);
    },
  };
}
