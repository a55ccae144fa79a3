// Whether the database of the servers is there, big enough for all of them, and verified.
import { RESERVED_CONNECTIONS } from '../../../deploy/spire/contradictions.ts';
import { type Finding, finding, mend, type Rule } from '../../check.ts';
import type { Document, StaticEvidence } from '../../documents/document.ts';
import { objectsOf } from '../manifests/objects.ts';
import { createRule } from '../manifests/rule.ts';
import { numberAt } from '../manifests/values.ts';
import { replicasOf } from './authority.ts';
import { type Conf, lookAtConfs, type Plugin, placeIn, pluginsOf, textOf } from './confs.ts';
import { type ConnectionString, parseConnectionString } from './connection-string.ts';

/** What SPIRE opens when nothing says otherwise (pkg/server/datastore/sqlstore). */
const DEFAULT_CONNECTIONS = 100;

/** The rule. */
export const databaseRule: Rule<StaticEvidence> = createRule({
  id: 'config.production.database',
  title: 'the database is there, big enough, and verified',
  thing: 'spire-server configuration',
  look: (documents) =>
    lookAtConfs(documents, 'server', (conf) =>
      pluginsOf(conf, 'DataStore').flatMap((store) => {
        const text = textOf(store.data('connection_string'));
        const connection = text === undefined ? undefined : parseConnectionString(text);
        return [
          ...tls(conf, store, connection),
          ...host(conf, store, connection, documents),
          ...size(conf, store, documents),
          ...shared(conf, store, documents),
        ];
      }),
    ),
});

function kindOf(store: Plugin): string {
  const found = store.data('database_type');
  if (found?.value.kind === 'object') return found.value.items[0]?.keys[0].name ?? '';
  return textOf(found) ?? '';
}

function* tls(conf: Conf, store: Plugin, connection: ConnectionString | undefined): Generator<Finding> {
  if (connection === undefined || !/postgres/.test(kindOf(store)) || connection.host?.startsWith('/') === true) return;
  const mode = connection.parameters.get('sslmode') ?? 'require';
  if (mode === 'verify-full' || mode.includes('$') || connection.isVariable) return;
  const isGiven = connection.parameters.has('sslmode');
  yield finding('config.production.database.unverified', 'the certificate of the database is not verified', {
    evidence: [
      isGiven ? `sslmode=${mode}` : 'sslmode is not set, which is "require": encrypted, to whoever answers',
      ...(mode === 'verify-ca' ? ['verify-ca does not look at the name of the host'] : []),
    ],
    mends: [mend('verify it', 'sslmode=verify-full sslrootcert=<file>')],
    place: placeIn(conf, store.data('connection_string')?.key),
  });
}

function* host(conf: Conf, store: Plugin, connection: ConnectionString | undefined, documents: readonly Document[]): Generator<Finding> {
  const clusters = objectsOf(documents, 'Cluster').filter(({ group }) => group === 'postgresql.cnpg.io');
  const [cluster] = clusters;
  const name = connection?.host?.split('.')[0];
  if (cluster === undefined || name === undefined || connection?.isVariable === true || !/postgres/.test(kindOf(store))) return;
  const services = new Set([
    ...clusters.flatMap((each) => ['rw', 'ro', 'r'].map((end) => `${each.name}-${end}`)),
    ...objectsOf(documents, 'Service').map((each) => each.name),
  ]);
  if (services.has(name)) return;
  yield finding('config.production.database.unknown-host', `nothing here is called ${name}`, {
    evidence: [`the database cluster ${cluster.name} is written to at ${cluster.name}-rw`],
    mends: [mend('name its service', `host=${cluster.name}-rw.${cluster.namespace ?? '<namespace>'}.svc`)],
    place: placeIn(conf, store.data('connection_string')?.key),
  });
}

function* size(conf: Conf, store: Plugin, documents: readonly Document[]): Generator<Finding> {
  const [cluster] = objectsOf(documents, 'Cluster').filter(({ group }) => group === 'postgresql.cnpg.io');
  const most = numberAt(cluster?.node, 'spec', 'postgresql', 'parameters', 'max_connections') ?? DEFAULT_CONNECTIONS;
  const replicas = replicasOf(documents);
  const given = store.data('max_open_conns');
  const each = given === undefined ? DEFAULT_CONNECTIONS : Number(textOf(given));
  if (cluster === undefined || replicas === 0 || !Number.isFinite(each) || each * replicas + RESERVED_CONNECTIONS <= most) return;
  yield finding('config.production.database.connections', 'together the servers open more connections than the database has', {
    evidence: [
      `${replicas} servers with ${each} each${given === undefined ? ' (the default)' : ''}, ${RESERVED_CONNECTIONS} kept for others, max_connections ${most}`,
    ],
    mends: [
      mend(
        'lower max_open_conns, or raise max_connections',
        `max_open_conns = ${Math.max(1, Math.floor((most - RESERVED_CONNECTIONS) / replicas))}`,
      ),
    ],
    place: placeIn(conf, given?.key ?? store.key),
  });
}

function* shared(conf: Conf, store: Plugin, documents: readonly Document[]): Generator<Finding> {
  const replicas = replicasOf(documents);
  if (kindOf(store) !== 'sqlite3' || replicas < 2) return;
  yield finding('config.production.database.not-shared', `${replicas} servers cannot share sqlite, which is a file`, {
    evidence: ['each would have entries of its own'],
    mends: [mend('use postgres, or run one server')],
    place: placeIn(conf, store.data('database_type')?.key),
  });
}
