// A cluster without nodes: etcd and kube-apiserver, and kube-controller-manager where it is asked for, on loopback. Nothing is scheduled or run.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../spire/spire.js';
import { createClient } from './client.js';
import { until } from './until.js';

/** @typedef {import('./client.js').Client} Client */

/**
 * @typedef {object} Cluster
 * @property {Client} admin who may do everything
 * @property {(user: string) => Client} as one of the users that were asked for, with no rights but those that roles give
 * @property {(token: string) => Client} withToken any caller
 * @property {(file: string, token: string) => string} writeKubeconfig for a program that is this caller; returns its path
 * @property {() => Promise<void>} startManager once, also when it is asked for more often
 * @property {string} ca the certificate that the API server is verified with, as PEM
 * @property {string} about
 */

const startMs = 90_000;

/**
 * @param {object} options
 * @param {import('../spire/room.js').Room} options.room
 * @param {import('./install.js').Tools} options.tools
 * @param {Readonly<Record<string, readonly string[]>>} options.users beside the administrator: the groups of each
 * @returns {Promise<Cluster>} it runs; the room ends it
 */
export async function openCluster({ room, tools, users }) {
  const home = join(room.folder, 'cluster');
  mkdirSync(home, { mode: 0o700 });
  const file = (/** @type {string} */ name) => join(home, name);
  const [clientPort, peerPort, port, managerPort] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const groups = new Map(Object.entries({ admin: ['system:masters'], ...users }));
  const tokens = new Map([...groups.keys()].map((user) => [user, randomBytes(16).toString('hex')]));
  const lines = [...tokens].map(([user, token]) => `${token},${user},${user},"${(groups.get(user) ?? []).join(',')}"\n`);
  writeFileSync(file('tokens.csv'), lines.join(''), { mode: 0o600 });
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(file('accounts.key'), keys.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  writeFileSync(file('accounts.pub'), keys.publicKey.export({ type: 'spki', format: 'pem' }));

  const etcd = `http://127.0.0.1:${clientPort}`;
  const peers = `http://127.0.0.1:${peerPort}`;
  const store = room.programs.start('etcd', tools.etcd, [
    `--data-dir=${file('etcd')}`,
    `--listen-client-urls=${etcd}`,
    `--advertise-client-urls=${etcd}`,
    `--listen-peer-urls=${peers}`,
    `--initial-advertise-peer-urls=${peers}`,
    `--initial-cluster=default=${peers}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
  ]);
  const server = room.programs.start('kube-apiserver', tools.apiserver, [
    `--etcd-servers=${etcd}`,
    `--secure-port=${port}`,
    '--bind-address=127.0.0.1',
    `--cert-dir=${file('certificates')}`,
    `--service-account-key-file=${file('accounts.pub')}`,
    `--service-account-signing-key-file=${file('accounts.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    '--authorization-mode=RBAC',
    `--token-auth-file=${file('tokens.csv')}`,
    '--service-cluster-ip-range=10.96.0.0/16',
    // As every cluster has it; who may use it is what Pod Security says.
    '--allow-privileged=true',
    // Its own Service would point at loopback, which is refused.
    '--endpoint-reconciler-type=none',
    '--profiling=false',
  ]);
  const certificate = join(file('certificates'), 'apiserver.crt');
  await until(
    () => {
      const ended = [store, server].find((program) => !program.running());
      if (ended !== undefined) throw new Error(`${ended.name} ended: ${ended.stderr().trim().split('\n').slice(-3).join('; ')}`);
      return existsSync(certificate);
    },
    { timeout: startMs, what: 'certificate of the API server' },
  );
  const ca = readFileSync(certificate, 'utf8');
  const withToken = (/** @type {string} */ token) => {
    const client = createClient({ port, ca, token });
    room.onClose(async () => client.close());
    return client;
  };
  const clients = new Map([...tokens].map(([user, token]) => [user, withToken(token)]));
  const as = (/** @type {string} */ user) => {
    const client = clients.get(user);
    if (client === undefined) throw new Error(`the cluster has no user ${user}`);
    return client;
  };
  const admin = as('admin');
  await until(
    async () => {
      if (!server.running()) throw new Error(`kube-apiserver ended: ${server.stderr().trim().split('\n').slice(-3).join('; ')}`);
      return admin.ask('/readyz').then(
        ({ status }) => status === 200,
        () => false,
      );
    },
    { timeout: startMs, what: 'answer of the API server that it is ready' },
  );
  const version = (await admin.get('/version')).gitVersion;

  const writeKubeconfig = (/** @type {string} */ name, /** @type {string} */ token) => {
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'test',
          cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': Buffer.from(ca).toString('base64') },
        },
      ],
      users: [{ name: 'test', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
      'current-context': 'test',
    };
    writeFileSync(file(name), JSON.stringify(config), { mode: 0o600 });
    return file(name);
  };

  /** @type {Promise<void> | undefined} */
  let managing;
  return {
    admin,
    as,
    withToken,
    writeKubeconfig,
    ca,
    about: `kube-apiserver ${version}`,
    startManager: () => {
      managing ??= startManager();
      return managing;
    },
  };

  async function startManager() {
    room.programs.start('kube-controller-manager', tools.manager, [
      `--kubeconfig=${writeKubeconfig('manager.kubeconfig', tokens.get('admin') ?? '')}`,
      `--service-account-private-key-file=${file('accounts.key')}`,
      `--root-ca-file=${certificate}`,
      `--cert-dir=${file('manager')}`,
      '--leader-elect=false',
      '--bind-address=127.0.0.1',
      `--secure-port=${managerPort}`,
      // Nodes that nobody runs send no heartbeat, and would be emptied after a while.
      '--controllers=*,-node-lifecycle-controller,-taint-eviction-controller',
      '--horizontal-pod-autoscaler-sync-period=1s',
      '--profiling=false',
    ]);
    await until(async () => (await admin.ask('/api/v1/namespaces/default/serviceaccounts/default')).status === 200, {
      timeout: startMs,
      what: 'service account of the namespace default from kube-controller-manager',
    });
  }
}
