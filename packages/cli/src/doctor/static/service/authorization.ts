// Whether it is said who may call a service, and who may administer SPIRE, and nobody is meant who cannot be known.
import { productionFindings } from '@ephemos/service/config';
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import { type Document, documentsOf, type ServiceConfigDocument, type StaticEvidence } from '../../documents/document.ts';
import { createRule, lookAt } from '../manifests/rule.ts';
import { type Conf, lookAtConfs, placeIn, setting, settingText, textsOf } from '../spire/confs.ts';
import { federatedDomains, namedDomains } from '../trust-domain/named.ts';

/** The rule. */
export const callersRule: Rule<StaticEvidence> = createRule({
  id: 'authz.default-deny.callers',
  title: 'services say who may call them',
  thing: 'service configuration',
  look(documents) {
    const federated = federatedDomains(documents);
    return lookAt(documentsOf(documents, 'service-config'), (config) => [
      ...nobody(config),
      ...everybody(config),
      ...foreign(config, federated),
    ]);
  },
});

function* nobody({ config, node, file }: ServiceConfigDocument): Generator<Finding> {
  if (config === undefined) return;
  const { service, policy } = config;
  const clients = node.get('service', 'authorized_clients');
  const isServer = node.get('listen') !== undefined || clients !== undefined || policy !== undefined;
  const admitted = (service.authorizedClients?.length ?? 0) + (policy?.rules.length ?? 0);
  if (!isServer || admitted > 0) return;
  yield finding('authz.default-deny.callers.nobody', 'this service listens, and nobody may call it', {
    evidence: ['there is neither service.authorized_clients nor a rule of policy'],
    mends: [mend('name who may', 'service:', '  authorized_clients:', '    - spiffe://<trust domain>/<service>')],
    place: { file, line: (clients ?? node.get('policy') ?? node.get('listen') ?? node).line },
  });
}

function* everybody({ config, node, file }: ServiceConfigDocument): Generator<Finding> {
  for (const { id, message, tip } of config === undefined ? [] : productionFindings(config, {})) {
    if (id !== 'policy.wildcard') continue;
    yield finding('authz.default-deny.callers.everybody', message, {
      evidence: ['who is in a trust domain is decided by whoever registers workloads in it'],
      mends: [mend(tip)],
      place: { file, line: (node.get('policy', 'rules') ?? node.get('policy') ?? node).line },
    });
  }
}

function* foreign(config: ServiceConfigDocument, federated: ReadonlySet<string>): Generator<Finding> {
  const own = config.config?.service.domain.name;
  if (own === undefined) return;
  for (const { name, place, as, of } of namedDomains([config])) {
    if (of === 'own' || name === own || federated.has(name)) continue;
    yield finding('authz.default-deny.callers.foreign', `the trust domain ${name} is foreign, and nothing here federates with it`, {
      evidence: [as, `the service is in ${own}`],
      mends: [
        mend(
          'declare it: federates_with in server.conf and in the entry of the service, or a ClusterFederatedTrustDomain; or correct the ID',
        ),
      ],
      place,
    });
  }
}

/** The rule. */
export const adminsRule: Rule<StaticEvidence> = createRule({
  id: 'authz.default-deny.admins',
  title: 'only own workloads administer SPIRE, or act for others',
  thing: 'SPIRE configuration',
  look(documents: readonly Document[]) {
    const federated = federatedDomains(documents);
    return lookAtConfs(documents, undefined, (conf) => [
      ...ids(conf, 'server', 'admin_ids', federated),
      ...ids(conf, 'agent', 'authorized_delegates', federated),
    ]);
  },
});

function* ids(conf: Conf, program: Conf['program'], key: string, federated: ReadonlySet<string>): Generator<Finding> {
  const own = settingText(conf, 'trust_domain')?.text;
  if (conf.program !== program || own === undefined) return;
  for (const { text, line } of textsOf(setting(conf, key))) {
    const [, domain] = /^spiffe:\/\/([^/]+)(?:\/|$)/.exec(text) ?? [];
    if (domain === own || text.includes('$') || (domain !== undefined && federated.has(domain))) continue;
    yield finding('authz.default-deny.admins.foreign', `${key} names ${text}, which is not of this trust domain`, {
      evidence: [`the trust domain is ${own}`, 'nothing here federates with another'],
      mends: [mend('name a workload of this trust domain, or remove it')],
      place: placeIn(conf, { line }),
    });
  }
}
