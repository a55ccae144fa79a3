// What a configuration says of who may do what in, one policy for both gates out.
import { checkPolicy, type Policy, parsePolicy } from 'ephemos';
import type { Config } from '../config/config.ts';
import type { PolicyCheck } from '../config/policy-rules.ts';

/** The rule that `service.authorized_clients` stands for, as logs and metrics name it. */
export const CLIENTS_RULE = 'service.authorized_clients';

/** For the `checkPolicy` of `loadConfig` and `watchConfig`: what is wrong with a rule is a problem of the configuration, with its place. */
export const checkRules: PolicyCheck = (policy) => checkPolicy(policy);

/**
 * The policy of a configuration: its rules; or everything, for its authorized clients; or nothing, for nobody.
 * @throws {EphemosError} ERR_POLICY_INVALID when its rules were not checked with {@link checkRules}
 */
export function readPolicy({ service: { authorizedClients }, policy }: Pick<Config, 'service' | 'policy'>): Policy {
  if (policy !== undefined) return parsePolicy({ rules: policy.rules });
  if (authorizedClients === undefined) return parsePolicy({ rules: [] });
  return parsePolicy({ rules: [{ name: CLIENTS_RULE, id: authorizedClients.map(String) }] });
}
