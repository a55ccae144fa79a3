// A deployment of SPIRE in; every file of it by name out. The same in gives the same out.
import { agentConf } from './agent-conf.ts';
import { balancerCfg } from './balancer-cfg.ts';
import { databaseHba, databaseSql } from './database-files.ts';
import { serverConf } from './server-conf.ts';
import type { Spire } from './spire.ts';

/** What stands in every rendered file. */
export const RENDERED_MARK = 'Rendered from spire.yaml';

/** Renders a deployment. Servers that are configured alike share server.conf, others have server-NAME.conf each. */
export function renderSpire(spire: Spire): ReadonlyMap<string, string> {
  const { servers, balancer, store } = spire;
  const confs = servers.map((server) => ({ name: server.name, text: serverConf(spire, server) }));
  const alike = confs.every(({ text }) => text === confs[0]?.text);
  return new Map([
    ...confs.map(({ name, text }) => [alike ? 'server.conf' : `server-${name}.conf`, text] as const),
    ['agent.conf', agentConf(spire)],
    ...(balancer === undefined ? [] : [['haproxy.cfg', balancerCfg(spire, balancer)] as const]),
    ...(store.kind === 'postgres' && store.sources.length > 0
      ? [['postgres.sql', databaseSql(spire, store)] as const, ['postgres.hba', databaseHba(store)] as const]
      : []),
  ]);
}
