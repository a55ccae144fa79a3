// The SPIRE that deploy/kubernetes deploys, outside of pods: server and agents from exactly the configuration in its ConfigMaps, with only places
// (addresses, ports, paths, who reaches the API server) and the database replaced.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sign, writePrivately } from '../spire/deployment/certificates.js';
import { untilReady } from '../spire/deployment/deployment.js';
import { freePort } from '../spire/spire.js';

/** @typedef {import('./objects.js').KubernetesObject} KubernetesObject */
/** @typedef {readonly [from: string | RegExp, to: string]} Replacement */

/**
 * @typedef {object} OutsideServer
 * @property {number} port
 * @property {string} trustDomain
 * @property {(words: readonly string[]) => Promise<string>} cli
 * @property {() => string} log
 */

/**
 * @typedef {object} OutsideAgent
 * @property {import('../spire/process.js').Program} program
 * @property {number} health its port
 * @property {() => string} log
 */

/**
 * The text of a file in the ConfigMaps of these objects.
 * @param {readonly KubernetesObject[]} objects
 * @param {string} name such as server.conf
 */
export function fileOf(objects, name) {
  const texts = objects.flatMap(({ kind, data }) => (kind === 'ConfigMap' && typeof data?.[name] === 'string' ? [data[name]] : []));
  const [text] = texts;
  if (text === undefined || texts.length > 1) throw new Error(`${texts.length} ConfigMaps hold ${name}`);
  return text;
}

/**
 * Replaces each exactly once: a configuration that has changed since is not silently another one.
 * @param {string} text
 * @param {readonly Replacement[]} replacements
 */
export function moved(text, replacements) {
  return replacements.reduce((now, [from, to]) => {
    const parts = now.split(from);
    if (parts.length !== 2) throw new Error(`the configuration has ${from} ${parts.length - 1} times, not once`);
    return parts.join(to);
  }, text);
}

/**
 * @param {object} options
 * @param {import('../spire/room.js').Room} options.room
 * @param {import('../spire/install.js').Spire} options.spire
 * @param {string} options.conf as rendered
 * @param {string} options.kubeconfig of the server's service account
 * @returns {Promise<OutsideServer>} it runs; the room ends it
 */
export async function openOutsideServer({ room, spire, conf, kubeconfig }) {
  const home = join(room.folder, 'server');
  mkdirSync(join(home, 'private'), { recursive: true, mode: 0o700 });
  const [port, health, metrics] = [await freePort(), await freePort(), await freePort()];
  const root = await sign('offline root', { pathLength: 2 });
  const upstream = await sign('upstream', { issuer: root, pathLength: 1 });
  writePrivately(join(home, 'upstream/tls.crt'), upstream.certificate);
  writePrivately(join(home, 'upstream/tls.key'), upstream.key);
  writePrivately(join(home, 'upstream/ca.crt'), root.certificate);
  const socket = join(home, 'private/api.sock');
  const text = moved(conf, [
    ['bind_address = "0.0.0.0"\n  bind_port = 8081', `bind_address = "127.0.0.1"\n  bind_port = ${port}`],
    ['data_dir = "/run/spire/data"', `data_dir = "${home}"`],
    ['keys_path = "/run/spire/data/keys.json"', `keys_path = "${join(home, 'keys.json')}"`],
    ['socket_path = "/run/spire/server/private/api.sock"', `socket_path = "${socket}"`],
    [/\/run\/spire\/upstream(?=\/tls\.crt")/, join(home, 'upstream')],
    [/\/run\/spire\/upstream(?=\/tls\.key")/, join(home, 'upstream')],
    [/\/run\/spire\/upstream(?=\/ca\.crt")/, join(home, 'upstream')],
    ['bind_address = "0.0.0.0"\n  bind_port = "8080"', `bind_address = "127.0.0.1"\n  bind_port = "${health}"`],
    ['host = "0.0.0.0"\n    port = 9988', `host = "localhost"\n    port = ${metrics}`],
    // The rest of this is of PostgreSQL, which has suites of its own.
    ['database_type = "postgres"', 'database_type = "sqlite3"'],
    [/connection_string = ".*"/, `connection_string = "${join(home, 'datastore.sqlite3')}"`],
    // In a pod these find the API server by themselves.
    [/(?<=NodeAttestor "k8s_psat"[^}]*)(?=audience = )/, `kube_config_file = "${kubeconfig}"\n          `],
    [/(?<=BundlePublisher "k8s_configmap"[^}]*)(?=format = )/, `kubeconfig_path = "${kubeconfig}"\n          `],
  ]);
  const file = join(home, 'server.conf');
  writeFileSync(file, text, { mode: 0o600 });
  const program = room.programs.start('spire-server', spire.server, ['run', '-expandEnv', '-config', file]);
  await untilReady(program, { port: health });
  return {
    port,
    trustDomain: /trust_domain = "(.+)"/.exec(conf)?.[1] ?? '',
    log: () => `${program.stdout()}${program.stderr()}`,
    cli: async (words) => {
      const { code, stdout, stderr } = await room.programs.run('spire-server-cli', spire.server, [...words, '-socketPath', socket]);
      if (code !== 0) throw new Error(`spire-server ${words.slice(0, 2).join(' ')}: ${`${stdout}${stderr}`.trim()}`);
      return stdout;
    },
  };
}

/**
 * @param {object} options
 * @param {import('../spire/room.js').Room} options.room
 * @param {import('../spire/install.js').Spire} options.spire
 * @param {string} options.name
 * @param {string} options.conf as rendered
 * @param {number} options.port of the server
 * @param {string} options.bundle as the ConfigMap holds it
 * @param {string} options.token what the kubelet would put into the pod
 * @param {string} options.ca of the cluster
 * @returns {Promise<OutsideAgent>} it was started; the room ends it
 */
export async function startOutsideAgent({ room, spire, name, conf, port, bundle, token, ca }) {
  const home = join(room.folder, name);
  mkdirSync(join(home, 'private'), { recursive: true, mode: 0o700 });
  const [health, metrics] = [await freePort(), await freePort()];
  const at = (/** @type {string} */ file) => join(home, file);
  for (const [file, text] of /** @type {const} */ ([
    ['bundle.spiffe', bundle],
    ['token', token],
    ['ca.crt', ca],
  ])) {
    writePrivately(at(file), text);
  }
  const text = moved(conf, [
    [/server_address = ".*"/, 'server_address = "127.0.0.1"'],
    ['server_port = 8081', `server_port = ${port}`],
    ['data_dir = "/run/spire/data"', `data_dir = "${home}"`],
    [/trust_bundle_path = ".*"/, `trust_bundle_path = "${at('bundle.spiffe')}"`],
    [/\n {2}socket_path = ".*"/, `\n  socket_path = "${at('sockets/a.sock')}"`],
    [/admin_socket_path = ".*"/, `admin_socket_path = "${at('private/a.sock')}"`],
    [/token_path = ".*"/, `token_path = "${at('token')}"`],
    // There is no kubelet to ask: a workload attestor only has to find its files.
    [/kubelet_ca_path = ".*"/, `kubelet_ca_path = "${at('ca.crt')}"\n      token_path = "${at('token')}"`],
    ['bind_address = "0.0.0.0"\n  bind_port = "9982"', `bind_address = "127.0.0.1"\n  bind_port = "${health}"`],
    ['host = "0.0.0.0"\n    port = 9988', `host = "localhost"\n    port = ${metrics}`],
  ]);
  const file = at('agent.conf');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode: 0o600 });
  const program = room.programs.start(name, spire.agent, ['run', '-config', file], { env: { ...process.env, MY_NODE_NAME: 'node' } });
  return { program, health, log: () => `${program.stdout()}${program.stderr()}` };
}
