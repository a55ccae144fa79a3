// Whether SPIRE would start: the settings and plugins without which it does not. The lists are those of its own validation.
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import type { StaticEvidence } from '../../documents/document.ts';
import { createRule } from '../manifests/rule.ts';
import { type Conf, isSetTo, lookAtConfs, placeIn, pluginsOf, setting } from './confs.ts';

const settings = {
  // cmd/spire-server/cli/run and cmd/spire-agent/cli/run: what has no default.
  server: ['trust_domain', 'data_dir'],
  agent: ['trust_domain', 'server_address', 'server_port'],
} as const;

interface Wanted {
  readonly type: string;
  readonly least: 0 | 1;
  readonly most: number;
}

/** pkg/server/catalog and pkg/agent/catalog: how many of each type there are. */
const plugins: Readonly<Record<'server' | 'agent', readonly Wanted[]>> = {
  server: [
    { type: 'DataStore', least: 1, most: 1 },
    { type: 'KeyManager', least: 1, most: 1 },
    { type: 'UpstreamAuthority', least: 0, most: 1 },
  ],
  agent: [
    { type: 'KeyManager', least: 1, most: 1 },
    { type: 'NodeAttestor', least: 1, most: 1 },
    { type: 'WorkloadAttestor', least: 1, most: Number.POSITIVE_INFINITY },
  ],
};

/** The rule. */
export const spireRequiredRule: Rule<StaticEvidence> = createRule({
  id: 'config.production.spire-required',
  title: 'everything is set without which SPIRE does not start',
  thing: 'SPIRE configuration',
  look: (documents) => lookAtConfs(documents, undefined, (conf) => [...missingSettings(conf), ...bootstrap(conf), ...counts(conf)]),
});

function missing(conf: Conf, what: string, how: string): Finding {
  return finding('config.production.spire-required.missing', `${what} is missing`, {
    evidence: [`without it spire-${conf.program} does not start`],
    mends: [mend(how)],
    place: placeIn(conf),
  });
}

function* missingSettings(conf: Conf): Generator<Finding> {
  for (const key of settings[conf.program]) {
    if (setting(conf, key) === undefined) yield missing(conf, `${conf.program}.${key}`, `set ${key} in ${conf.program} { }`);
  }
}

function* bootstrap(conf: Conf): Generator<Finding> {
  if (conf.program !== 'agent') return;
  const given = ['trust_bundle_path', 'trust_bundle_url'].flatMap((key) => setting(conf, key) ?? []);
  const insecure = setting(conf, 'insecure_bootstrap');
  const all = isSetTo(insecure, true) && insecure !== undefined ? [...given, insecure] : given;
  if (all.length === 0) yield missing(conf, 'the trust bundle of the server', 'set trust_bundle_path, or trust_bundle_url');
  const [first, second] = all;
  if (first === undefined || second === undefined) return;
  yield finding('config.production.spire-required.too-many', `${all.map(({ key }) => key.name).join(' and ')} exclude each other`, {
    evidence: ['spire-agent does not start with more than one of them'],
    mends: [mend('keep one')],
    place: placeIn(conf, second.key),
  });
}

function* counts(conf: Conf): Generator<Finding> {
  for (const { type, least, most } of plugins[conf.program]) {
    const all = pluginsOf(conf, type);
    if (all.length < least) yield missing(conf, `a plugin of the type ${type}`, `add ${type} "<name>" { plugin_data { } } to plugins { }`);
    const extra = all[most];
    if (extra === undefined) continue;
    yield finding('config.production.spire-required.too-many', `there are ${all.length} plugins of the type ${type}`, {
      evidence: [all.map(({ name }) => name).join(', '), `spire-${conf.program} takes one`],
      mends: [mend('keep one')],
      place: placeIn(conf, extra.key),
    });
  }
}
