// The rules over configurations. Each belongs to the item that its id starts with.
import type { Rule } from '../check.ts';
import type { StaticEvidence } from '../documents/document.ts';
import { readableRule } from './readable.ts';
import { spireSecretsRule } from './secrets/spire.ts';
import { secretTextsRule } from './secrets/texts.ts';
import { adminsRule, callersRule } from './service/authorization.ts';
import { serviceConfigRule, serviceSettingsRule } from './service/config.ts';
import { agreementRule, allowListRule } from './spire/agreement.ts';
import { attestorsRule } from './spire/attestors.ts';
import { authorityKeysRule, authoritySubjectRule, livesRule, upstreamRule } from './spire/authority.ts';
import { dataVolumeRule } from './spire/data-volume.ts';
import { databaseRule } from './spire/database.ts';
import { spireDebuggingRule } from './spire/debugging.ts';
import { spireDeprecatedRule } from './spire/deprecated.ts';
import { spireKeysRule } from './spire/keys.ts';
import { healthListenerRule, telemetryRule } from './spire/listeners.ts';
import { nodeTrustRule } from './spire/node-trust.ts';
import { bootstrapRule, socketNameRule } from './spire/reach.ts';
import { spireRequiredRule } from './spire/required.ts';
import { socketDirectoryRule } from './spire/socket-directory.ts';
import { domainNameRule, domainsAgreeRule } from './trust-domain/rules.ts';

/** In the order in which they are shown. */
export const configurationRules: readonly Rule<StaticEvidence>[] = [
  bootstrapRule,
  socketNameRule,
  domainNameRule,
  domainsAgreeRule,
  upstreamRule,
  authorityKeysRule,
  authoritySubjectRule,
  livesRule,
  attestorsRule,
  nodeTrustRule,
  agreementRule,
  allowListRule,
  telemetryRule,
  dataVolumeRule,
  readableRule,
  spireKeysRule,
  spireRequiredRule,
  spireDebuggingRule,
  spireDeprecatedRule,
  socketDirectoryRule,
  databaseRule,
  serviceConfigRule,
  serviceSettingsRule,
  callersRule,
  adminsRule,
  healthListenerRule,
  secretTextsRule,
  spireSecretsRule,
];
