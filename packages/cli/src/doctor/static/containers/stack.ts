// Whether SPIRE of a compose file can give its services identities.
import { findAll } from '../../../deploy/spire/hcl-lookup.ts';
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import { type Document, documentsOf, type StaticEvidence } from '../../documents/document.ts';
import { placeOf } from '../manifests/objects.ts';
import { podsOf } from '../manifests/pods.ts';
import { createRule, lookAt } from '../manifests/rule.ts';
import { textAt } from '../manifests/values.ts';
import { type ComposeService, composeServicesOf, variableIn, volumesOf, wordsOf } from './compose-services.ts';

const init = mend(
  'let it be made: SPIRE, its keys and its entries',
  'ephemos deploy init --target compose --set service=<name> --set domain=<trust domain>',
);

function* stackFindings(service: ComposeService, documents: readonly Document[]): Generator<Finding> {
  const { node, file, name, role } = service;
  if (role === 'service' && variableIn(node, 'SPIFFE_ENDPOINT_SOCKET') === undefined) {
    yield finding('spire.reachable.stack.no-variable', `nothing tells the container ${name} where the Workload API is`, {
      evidence: ['SPIFFE_ENDPOINT_SOCKET is not set'],
      mends: [
        mend('say it, with the file name that the agent gives its socket', 'SPIFFE_ENDPOINT_SOCKET: unix:///run/spire/sockets/agent.sock'),
      ],
      place: placeOf(file, node.get('environment'), node),
    });
  }
  if (role === 'spire-agent') {
    if (textAt(node, 'pid') !== 'host') {
      yield finding('spire.reachable.stack.agent-blind', 'the agent does not see the processes that ask it', {
        evidence: [`the container ${name} has processes of its own: without "pid: host" it can attest nobody`],
        mends: [mend('let it see those of the host', 'pid: host')],
        place: placeOf(file, node),
      });
    }
    yield* attestorFindings(service, documents);
  }
  if (role === 'spire-server' && node.get('entrypoint') === undefined) yield* entryFindings(service, documents);
}

function* attestorFindings({ node, file }: ComposeService, documents: readonly Document[]): Generator<Finding> {
  if (podsOf(documents).some(({ roles }) => roles.has('spire-agent'))) return;
  for (const { root, program, file: conf } of documentsOf(documents, 'spire-conf')) {
    if (root === undefined || program !== 'agent') continue;
    const wrong = ['NodeAttestor', 'WorkloadAttestor'].flatMap((kind) =>
      findAll(root, ['plugins', kind, '*']).flatMap(({ key }) =>
        key.name.startsWith('k8s') ? [`${kind} "${key.name}" (${conf}:${key.line})`] : [],
      ),
    );
    if (wrong.length === 0) continue;
    yield finding('spire.reachable.stack.kubernetes-attestor', 'the agent asks a Kubernetes that is not there', {
      evidence: wrong,
      mends: [init, mend('without Kubernetes', 'NodeAttestor "x509pop"', 'WorkloadAttestor "unix"')],
      place: placeOf(file, node),
    });
  }
}

function* entryFindings({ node, file, root }: ComposeService, documents: readonly Document[]): Generator<Finding> {
  const services = composeServicesOf(documents).filter((each) => each.root === root);
  if (!services.some(({ role }) => role === 'service')) return;
  const isMade = services.some(({ node: each }) => {
    const words = [...wordsOf(each.get('entrypoint')), ...wordsOf(each.get('command'))];
    return words.includes('entry') && words.includes('create');
  });
  const isListed = services.some(({ node: each }) => volumesOf(each).some(({ source }) => /entries/.test(source ?? '')));
  if (isMade || isListed) return;
  yield finding('spire.reachable.stack.no-entries', 'nothing registers the services', {
    evidence: ['no container runs "spire-server entry create": SPIRE gives an identity to nobody'],
    mends: [init],
    place: placeOf(file, node),
  });
}

/** The stack of a compose file. */
export const stackRule: Rule<StaticEvidence> = createRule({
  id: 'spire.reachable.stack',
  title: 'SPIRE of a compose file gives its services identities',
  thing: 'service of compose with SPIRE',
  things: 'services of compose with SPIRE',
  look: (documents) =>
    lookAt(
      composeServicesOf(documents).filter(({ role }) => role !== 'other'),
      (service) => stackFindings(service, documents),
    ),
});
