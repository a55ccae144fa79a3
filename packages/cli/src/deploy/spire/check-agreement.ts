// The configurations of one deployment in; where server and agent contradict each other out. SPIRE sees one file at a time, and cannot tell.
import type { ConfigProblem } from '@ephemos/service/config';
import { type ConfCheck, problemAt } from './check-conf.ts';
import { findAll, findText } from './hcl-lookup.ts';

/** Compares the servers and agents with each other. Files that could not be parsed are left out. */
export function checkAgreement(confs: readonly ConfCheck[]): readonly ConfigProblem[] {
  const servers = confs.filter(({ program }) => program === 'server');
  const agents = confs.filter(({ program }) => program === 'agent');
  return [...trustDomains([...servers, ...agents]), ...attestors(servers, agents), ...clusters(servers, agents)];
}

function* trustDomains(confs: readonly ConfCheck[]): Generator<ConfigProblem> {
  const all = confs.flatMap(({ file, program, root }) => {
    const found = root === undefined || program === undefined ? undefined : findText(root, [program, 'trust_domain']);
    return found === undefined ? [] : [{ file, program, ...found }];
  });
  const [first] = all;
  for (const { file, program, key, text } of all) {
    if (first === undefined || text === first.text) continue;
    const message = `the trust domain is ${JSON.stringify(text)} here and ${JSON.stringify(first.text)} in ${first.file}`;
    yield problemAt(file, key, `${program}.trust_domain`, message, 'write the same in both');
  }
}

function* attestors(servers: readonly ConfCheck[], agents: readonly ConfCheck[]): Generator<ConfigProblem> {
  const known = new Set(servers.flatMap((conf) => attestorsOf(conf).map(({ name }) => name)));
  if (known.size === 0) return;
  for (const agent of agents) {
    for (const key of attestorsOf(agent)) {
      if (known.has(key.name)) continue;
      const message = `no server here takes ${JSON.stringify(key.name)}, so this agent is never attested`;
      yield problemAt(agent.file, key, `plugins.NodeAttestor.${key.name}`, message, `the servers take ${[...known].join(', ')}`);
    }
  }
}

function attestorsOf({ root }: ConfCheck): readonly { readonly name: string; readonly line: number; readonly column: number }[] {
  return root === undefined ? [] : findAll(root, ['plugins', 'NodeAttestor', '*']).map(({ key }) => key);
}

function* clusters(servers: readonly ConfCheck[], agents: readonly ConfCheck[]): Generator<ConfigProblem> {
  const plugin = ['plugins', 'NodeAttestor', 'k8s_psat', 'plugin_data'];
  const known = new Set(
    servers.flatMap(({ root }) => (root === undefined ? [] : findAll(root, [...plugin, 'clusters', '*']).map(({ key }) => key.name))),
  );
  if (known.size === 0) return;
  for (const { file, root } of agents) {
    const found = root === undefined ? undefined : findText(root, [...plugin, 'cluster']);
    if (found === undefined || known.has(found.text)) continue;
    const message = `no server here knows the cluster ${JSON.stringify(found.text)}`;
    yield problemAt(file, found.key, [...plugin, 'cluster'].join('.'), message, `the servers know ${[...known].join(', ')}`);
  }
}
