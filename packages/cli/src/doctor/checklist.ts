// The production checklist as far as doctor checks it. The ids of its items are those of the checklist, one each; static checks add rules to them.
import type { Item } from './check.ts';
import type { LiveEvidence } from './live/evidence.ts';
import { agentRule } from './live/rules/agent.ts';
import { attestedRule } from './live/rules/attested.ts';
import { bundleRule } from './live/rules/bundle.ts';
import { clockRule } from './live/rules/clock.ts';
import { endpointRule } from './live/rules/endpoint.ts';
import { identityRule } from './live/rules/identity.ts';
import { serverRule } from './live/rules/server.ts';
import { socketRule } from './live/rules/socket.ts';
import { svidRule } from './live/rules/svid.ts';
import { trustDomainRule } from './live/rules/trust-domain.ts';

/** What is checked on a running system, in the order in which one thing needs the other. */
export const liveChecklist: readonly Item<LiveEvidence>[] = [
  {
    id: 'spire.reachable',
    title: 'SPIRE is operational, and gives this process its identity',
    rules: [endpointRule, socketRule, agentRule, attestedRule, serverRule, identityRule, svidRule, bundleRule, clockRule],
  },
  {
    id: 'trust-domain.production',
    title: 'the trust domain is the one that is meant',
    rules: [trustDomainRule],
  },
];
