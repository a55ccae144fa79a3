// The rules over manifests, containers and monitoring. Each belongs to the item that its id starts with.
import type { Rule } from '../../check.ts';
import type { StaticEvidence } from '../../documents/document.ts';
import { containerHealthRule, containersRule, publishedRule } from '../containers/compose.ts';
import { imagesRule } from '../containers/images.ts';
import { pinsRule } from '../containers/pins.ts';
import { signalsRule } from '../containers/signals.ts';
import { stackRule } from '../containers/stack.ts';
import { alertsRule } from '../monitoring/alerts.ts';
import { dashboardRule } from '../monitoring/dashboard.ts';
import { expressionsRule } from '../monitoring/expressions.ts';
import { scrapeRule } from '../monitoring/scrape.ts';
import { databaseBackupRule, databaseClusterRule, databaseMonitorRule } from './database.ts';
import { exposureRule, meshRule } from './exposure.ts';
import { graceRule } from './grace.ts';
import { coverageRule, peersRule, trafficRule } from './network.ts';
import { podsRule } from './pod-security.ts';
import { podProbesRule } from './probes.ts';
import { referencesRule, rightsRule } from './references.ts';
import { limitsRule, runtimeRule } from './resources.ts';
import { scalingRule, spreadRule } from './scaling.ts';
import { secretsRule } from './secrets.ts';
import { mountRule, registrationRule } from './socket.ts';

/** In the order in which they are shown. */
export const manifestRules: readonly Rule<StaticEvidence>[] = [
  ...[mountRule, registrationRule, stackRule],
  ...[rightsRule],
  ...[coverageRule, peersRule, trafficRule, exposureRule, publishedRule, meshRule],
  ...[scrapeRule, expressionsRule, alertsRule, dashboardRule, databaseMonitorRule],
  ...[databaseBackupRule],
  ...[imagesRule, pinsRule, podsRule, referencesRule, databaseClusterRule, containersRule],
  ...[limitsRule, runtimeRule, scalingRule, spreadRule],
  ...[podProbesRule, containerHealthRule],
  ...[graceRule, signalsRule],
  ...[secretsRule],
];
