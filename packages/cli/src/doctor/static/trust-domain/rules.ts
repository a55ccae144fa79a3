// Whether every trust domain is one that production may have, and all of a deployment are the same.
import { notForProduction } from '@ephemos/service/config';
import { finding, mend, type Rule } from '../../check.ts';
import type { StaticEvidence } from '../../documents/document.ts';
import { createRule, lookAt } from '../manifests/rule.ts';
import { federatedDomains, namedDomains } from './named.ts';

/** The rule. */
export const domainNameRule: Rule<StaticEvidence> = createRule({
  id: 'trust-domain.production.name',
  title: 'no trust domain is one of documentation or tests',
  thing: 'place that names a trust domain',
  look: (documents) =>
    lookAt(namedDomains(documents), ({ name, place, as }) => {
      const reason = notForProduction(name);
      return reason === undefined
        ? []
        : [
            finding('trust-domain.production.name.reserved', `the trust domain ${name} ${reason}`, {
              evidence: [as],
              mends: [mend('choose a name below a domain that is yours; it cannot be changed later without issuing everything anew')],
              place,
            }),
          ];
    }),
});

/** The rule. */
export const domainsAgreeRule: Rule<StaticEvidence> = createRule({
  id: 'trust-domain.production.files',
  title: 'all files of a deployment are of one trust domain',
  thing: 'place that names its own trust domain',
  look(documents) {
    const federated = federatedDomains(documents);
    const own = namedDomains(documents).filter(({ of }) => of === 'own');
    // What the server says is what the others have to say.
    const first = own.find(({ as }) => as === 'server.trust_domain') ?? own[0];
    return lookAt(own, ({ name, place, as }) =>
      first === undefined || name === first.name || federated.has(name)
        ? []
        : [
            finding('trust-domain.production.files.differ', `the trust domain is ${name} here, and ${first.name} elsewhere`, {
              evidence: [`${as} here`, `${first.as} in ${first.place.file}:${first.place.line ?? 1}`],
              mends: [
                mend('write the same everywhere; a foreign trust domain is declared with federates_with, or a ClusterFederatedTrustDomain'),
              ],
              place,
            }),
          ],
    );
  },
});
