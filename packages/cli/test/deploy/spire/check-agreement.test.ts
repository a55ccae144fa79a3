import { expect, it } from 'vitest';
import { checkAgreement } from '../../../src/deploy/spire/check-agreement.ts';
import { checkConf } from '../../../src/deploy/spire/check-conf.ts';
import { textOf, variants } from './variants.ts';

function told(server: string, agent: string): readonly string[] {
  const confs = [checkConf(server, 'server.conf'), checkConf(agent, 'agent.conf')];
  return checkAgreement(confs).map(({ file, line, key, message, hint }) => `${file}:${line} ${key}: ${message}; ${hint}`);
}

const psat = (clusters: string): string => `plugins { NodeAttestor "k8s_psat" { plugin_data { ${clusters} } } }`;

it.each(variants)('server and agent of %s agree', (variant) => {
  expect(told(textOf(variant, 'server.conf'), textOf(variant, 'agent.conf'))).toEqual([]);
});

it('another trust domain is a contradiction', () => {
  expect(told('server { trust_domain = "a.test" }', 'agent {\n  trust_domain = "b.test"\n}')).toEqual([
    'agent.conf:2 agent.trust_domain: the trust domain is "b.test" here and "a.test" in server.conf; write the same in both',
  ]);
});

it('an agent that no server attests is a contradiction', () => {
  expect(told(`server {}\n${psat('')}`, 'agent {}\nplugins {\n  NodeAttestor "x509pop" { }\n}')).toEqual([
    'agent.conf:3 plugins.NodeAttestor.x509pop: no server here takes "x509pop", so this agent is never attested; the servers take k8s_psat',
  ]);
});

it('a cluster that no server knows is a contradiction', () => {
  expect(told(`server {}\n${psat('clusters = { "production" = { } }')}`, `agent {}\n${psat('cluster = "prod"')}`)).toEqual([
    'agent.conf:2 plugins.NodeAttestor.k8s_psat.plugin_data.cluster: no server here knows the cluster "prod"; the servers know production',
  ]);
});

it('what a variable stands for is not compared', () => {
  expect(told('server { trust_domain = "a.test" }', `agent { trust_domain = "\${DOMAIN}" }`)).toEqual([]);
});

it('an agent alone contradicts nobody', () => {
  expect(checkAgreement([checkConf('agent { trust_domain = "a.test" }\nplugins { NodeAttestor "x509pop" { } }', 'agent.conf')])).toEqual(
    [],
  );
});
