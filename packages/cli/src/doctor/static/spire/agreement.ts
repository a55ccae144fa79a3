// Whether servers and agents of one deployment know each other: attestors, clusters, service accounts.
import { checkAgreement } from '../../../deploy/spire/check-agreement.ts';
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import type { Document, StaticEvidence } from '../../documents/document.ts';
import { objectsOf } from '../manifests/objects.ts';
import { podsOf } from '../manifests/pods.ts';
import { createRule, joined, lookAt } from '../manifests/rule.ts';
import { textAt } from '../manifests/values.ts';
import { type Conf, confsOf, placeIn, pluginsOf, textsOf } from './confs.ts';

/** The rule. */
export const agreementRule: Rule<StaticEvidence> = createRule({
  id: 'node-attestation.production.agreed',
  title: 'servers take the agents that there are',
  thing: 'server-agent pair',
  look(documents) {
    const [servers, agents] = [confsOf(documents, 'server'), confsOf(documents, 'agent')];
    if (servers.length === 0 || agents.length === 0) return { count: 0, findings: [] };
    // Where the trust domains differ is for another rule.
    const problems = checkAgreement([...servers, ...agents]).filter(({ key }) => !key.endsWith('.trust_domain'));
    return {
      count: agents.length,
      findings: problems.map(({ file, line, message, hint, key }) =>
        finding('node-attestation.production.agreed.differ', message, {
          evidence: [key],
          mends: [mend(hint ?? 'write the same in both')],
          place: { file: file ?? '', line },
        }),
      ),
    };
  },
});

/** The rule. */
export const allowListRule: Rule<StaticEvidence> = createRule({
  id: 'node-attestation.production.allow-list',
  title: 'the service accounts that may attest are there',
  thing: 'allow list',
  look(documents) {
    const known = accountsOf(documents);
    return joined(...confsOf(documents, 'server').map((conf) => lookAt(allowLists(conf), (list) => judge(conf, list, known))));
  },
});

interface AllowList {
  readonly line: number;
  readonly accounts: readonly { readonly text: string; readonly line: number }[];
}

function allowLists(conf: Conf): readonly AllowList[] {
  return pluginsOf(conf, 'NodeAttestor')
    .filter(({ name }) => /^k8s_p?sat$/.test(name))
    .flatMap((plugin) =>
      plugin.all('clusters', '*').flatMap(({ key, value }) => {
        if (value.kind !== 'object') return [];
        const list = plugin.all('clusters', key.name, 'service_account_allow_list').at(-1);
        return [{ line: (list?.key ?? key).line, accounts: textsOf(list) }];
      }),
    );
}

/** A service account; its namespace is undefined where nothing says which. */
interface Account {
  readonly name: string;
  readonly namespace: string | undefined;
}

function* judge(conf: Conf, { line, accounts }: AllowList, known: readonly Account[] | undefined): Generator<Finding> {
  if (accounts.length === 0) {
    yield finding('node-attestation.production.allow-list.empty', 'no service account may attest', {
      evidence: ['spire-server does not start with an empty service_account_allow_list'],
      mends: [mend('name the service account of the agent', 'service_account_allow_list = ["<namespace>:<account>"]')],
      place: placeIn(conf, { line }),
    });
  }
  for (const account of accounts) {
    const [namespace, name] = account.text.split(':');
    const isIt = (each: Account): boolean => each.name === name && (each.namespace ?? namespace) === namespace;
    if (known === undefined || known.some(isIt) || account.text.includes('$')) continue;
    const names = [...new Set(known.map((each) => `${each.namespace ?? '<any>'}:${each.name}`))].sort();
    const near = names.find((each) => each.endsWith(`:${name}`));
    yield finding('node-attestation.production.allow-list.unknown', `there is no service account ${account.text}`, {
      evidence: [`the manifests have ${names.join(', ')}`, 'every agent of another account is refused'],
      mends: [mend('write <namespace>:<account> of the agent', `service_account_allow_list = ["${near ?? '<namespace>:spire-agent'}"]`)],
      place: placeIn(conf, account),
    });
  }
}

// Nothing is known as long as SPIRE is not among the manifests.
function accountsOf(documents: readonly Document[]): readonly Account[] | undefined {
  const pods = podsOf(documents);
  const own = objectsOf(documents, 'ServiceAccount').map(({ name, namespace }) => ({ name, namespace }));
  const used = pods.map(({ spec, namespace }) => ({ name: textAt(spec, 'serviceAccountName') ?? 'default', namespace }));
  return pods.some(({ roles }) => roles.has('spire-server') || roles.has('spire-agent')) ? [...own, ...used] : undefined;
}
