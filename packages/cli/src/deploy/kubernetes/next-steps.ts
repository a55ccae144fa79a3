// Answers in; what to do next out, as lines to paste. What the files cannot hold is made here: two Secrets, of which nobody else has the key.
import type { ClusterAnswers } from './answers.ts';
import { names, SERVER_NAMESPACE, secrets } from './places.ts';
import { nameOf } from './service/workloads.ts';

/** Makes the Secret with the upstream authority of SPIRE's servers. */
export function upstreamCommands({ domain }: ClusterAnswers): readonly string[] {
  return [
    `ephemos deploy ca init --domain ${domain} --offline /media/vault --out upstream`,
    `kubectl create secret generic ${secrets.upstream} -n ${SERVER_NAMESPACE} --from-file upstream --from-file bundle.crt=upstream/ca.crt`,
  ];
}

/** Makes the Secret with the password of the database. */
export const databaseCommand: string =
  `kubectl create secret generic ${secrets.database} -n ${SERVER_NAMESPACE} --type kubernetes.io/basic-auth ` +
  '--from-literal username=spire --from-literal password="$(openssl rand -hex 32)"';

/** The lines. */
export function nextSteps(answers: ClusterAnswers): readonly string[] {
  const [ca, upstream] = upstreamCommands(answers);
  return [
    '# README.md says what the cluster needs before, and how SPIRE comes by its own Helm charts in place of "-k spire"',
    'kubectl apply --server-side -f spire/namespaces.yaml',
    `${ca ?? ''}    # then take /media/vault off this machine`,
    upstream ?? '',
    databaseCommand,
    'kubectl apply --server-side -k spire',
    `kubectl rollout status -n ${SERVER_NAMESPACE} statefulset/${names.server} --timeout 10m`,
    'kubectl apply --server-side -k overlays/production',
    `kubectl create job -n ${answers.service} try --from cronjob/${nameOf(answers, 'client')}`,
    `kubectl logs -n ${answers.service} job/try --follow    # says: hello  (the server knows us as spiffe://${answers.domain}/${nameOf(answers, 'client')})`,
  ];
}
